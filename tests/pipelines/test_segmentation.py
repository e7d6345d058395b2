"""The pipeline `segmentation` in memory, on phantoms and on a folder of pairs."""

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from covid_xray.absence import NotMade
from covid_xray.evaluation.overlap import overlap_scores
from covid_xray.imaging.augmentation import Augmentation
from covid_xray.models.settings import UNetSettings
from covid_xray.pipelines.segmentation import create_pipeline
from covid_xray.pipelines.segmentation.nodes import choose_lung_masks
from covid_xray.pipelines.segmentation.parameters import MaskParameters, PairParameters
from covid_xray.studies.study import open_study
from support.memory import run_in_memory
from support.study import engineer

PIPELINE = create_pipeline()
PREPARED = PIPELINE.only_nodes("segmentation.gather_lung_pairs", "segmentation.draw_mask_resizing")
MASKED = PIPELINE.only_nodes("segmentation.choose_lung_masks", "segmentation.list_masked_variant")
PARAMETERS = {
    "segmentation_pairs": None,
    "params:segmentation.pairs": PairParameters(test=0.2, validation=0.2, seed=1),
    "params:segmentation.masks": MaskParameters(source="provided", batch_size=16),
    "params:segmentation.unet": UNetSettings(
        filters=[4, 8],
        learning_rate=1e-2,
        batch_size=8,
        epochs=1,
        patience=1,
        augmentation=Augmentation(rotation=15, zoom=0.1, shift=0.05, gamma=0.4, flip=True),
        seed=1,
    ),
}


@pytest.fixture(scope="module")
def segmented(study):
    """The study and everything that the pipeline makes of it; read only."""
    given = study | PARAMETERS
    return given | run_in_memory(PIPELINE, given)


@pytest.fixture(scope="module")
def maskless(phantom, tmp_path_factory):
    """A study that has no lung masks."""
    folder = tmp_path_factory.mktemp("study") / "maskless"
    shutil.copytree(phantom[0], folder, ignore=shutil.ignore_patterns("masks"))
    return engineer(folder) | PARAMETERS


@pytest.fixture(scope="module")
def folder_of_pairs(tmp_path_factory):
    """A flat folder of pairs whose masks are smaller than their radiographs."""
    folder = tmp_path_factory.mktemp("pairs")
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number in range(12):
        coarse = np.random.default_rng(number).integers(0, 256, (8, 8)).astype(np.uint8)
        picture = cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_CUBIC)
        mask = np.zeros((64, 64), np.uint8)
        mask[10:50, 8:26] = mask[10:50, 38:56] = 255
        cv2.imwrite(str(folder / f"images/{number}.png"), picture)
        cv2.imwrite(str(folder / f"masks/{number}.png"), mask)
    return folder


@pytest.mark.slow
def test_scores_are_those_of_the_masks_of_test_pairs(segmented):
    pairs, scores = segmented["lung_pairs"], segmented["segmentation_pair_scores"]
    unet = scores[scores["method"] == "U-Net"]
    assert unet["pair_id"].tolist() == pairs.loc[pairs["split"] == "test", "pair_id"].tolist()
    predicted, masks = segmented["predicted_masks"], segmented["masks"]
    for pair in unet.itertuples():
        expected = overlap_scores(predicted[pair.row], masks[pair.row])
        assert {name: getattr(pair, name) for name in expected} == pytest.approx(
            expected, abs=1e-3, nan_ok=True
        )


@pytest.mark.slow
def test_baselines_are_what_they_are_called(segmented):
    scores = segmented["segmentation_pair_scores"].set_index("method")
    pairs, masks = segmented["lung_pairs"], segmented["masks"]
    test = pairs.loc[pairs["split"] == "test", "row"]
    assert (scores.loc["all background", "dice"] == 0).all()
    background = [1 - masks[row].mean() for row in test]
    np.testing.assert_allclose(scores.loc["all background", "pixel_accuracy"], background)
    train = pairs.loc[pairs["split"] == "train", "row"]
    mean_mask = masks[train.to_numpy()].mean(axis=0) >= 0.5
    dice = [
        2 * (mean_mask & masks[row]).sum() / (mean_mask.sum() + masks[row].sum()) for row in test
    ]
    np.testing.assert_allclose(scores.loc["mean training mask", "dice"], dice)
    summary = segmented["segmentation_scores"]
    ours = summary.query("method == 'U-Net' and label == 'all' and score == 'pixel_accuracy'")
    assert ours["published"].tolist() == [0.992]
    assert summary["published"].count() == 1
    value = f"| {ours['mean'].iloc[0]:.3f} [{ours['low'].iloc[0]:.3f}-"
    assert value in segmented["segmentation_page"]
    assert "(0.992)" in segmented["segmentation_page"]


@pytest.mark.slow
def test_every_pair_is_in_the_split_of_its_radiograph(segmented):
    pairs, splits = segmented["lung_pairs"], segmented["splits"].set_index("image_id")
    assert pairs["split"].tolist() == splits.loc[pairs["pair_id"], "split"].tolist()
    assert pairs.groupby("group_id")["split"].nunique().max() == 1
    assert set(pairs["split"]) == {"train", "validation", "test"}


def altered_on(study, rows, seed=3):
    """A study whose radiographs and masks of some rows are other ones."""
    rng = np.random.default_rng(seed)
    images, masks = study["images"].copy(), study["masks"].copy()
    images[rows] = rng.integers(0, 256, images[rows].shape)
    masks[rows] = masks[rows][:, ::-1]
    return study | {"images": images, "masks": masks}


@pytest.mark.slow
@pytest.mark.parametrize(("split", "taught"), [("test", False), ("train", True)])
def test_the_unet_learns_nothing_from_held_out_radiographs(study, segmented, split, taught):
    """Neither its weights, its epoch nor a training radiograph's mask depend on test rows."""
    fitted = PIPELINE.only_nodes(
        "segmentation.gather_lung_pairs",
        "segmentation.fit_unet",
        "segmentation.predict_lung_masks",
    )
    splits = study["splits"]
    rows = np.flatnonzero(splits["split"] == split)
    other = run_in_memory(fitted, altered_on(study, rows) | PARAMETERS)
    untouched = np.flatnonzero(splits["split"] != split)
    same = {
        "history": other["unet_history"].equals(segmented["unet_history"]),
        "weights": all(
            np.array_equal(*both)
            for both in zip(
                other["unet"].get_weights(), segmented["unet"].get_weights(), strict=True
            )
        ),
        "masks": np.array_equal(
            other["predicted_masks"][untouched], segmented["predicted_masks"][untouched]
        ),
    }
    assert set(same.values()) == {not taught}


def test_a_folder_that_is_not_used_is_said(study, folder_of_pairs, caplog):
    pairs = {"segmentation_pairs": open_study(folder_of_pairs)}
    with caplog.at_level("WARNING"):
        run_in_memory(PREPARED, study | PARAMETERS | pairs)
    assert "segmentation_pairs is not used" in caplog.text


@pytest.mark.slow
def test_every_radiograph_has_a_predicted_mask_and_its_quality(segmented):
    index, quality = segmented["radiograph_index"], segmented["mask_quality"]
    predicted = segmented["predicted_masks"]
    assert quality["image_id"].tolist() == index["image_id"].tolist()
    assert predicted.shape == segmented["images"].shape
    np.testing.assert_allclose(quality["area"], predicted.mean(axis=(1, 2)))
    assert quality["agreement"].notna().tolist() == index["has_mask"].tolist()


def choose(source):
    index = pd.DataFrame({"image_id": ["a", "b"], "has_mask": [True, False]})
    images = np.stack([np.full((8, 8), grey, np.uint8) for grey in (40, 90)])
    images[:, :4] = 10
    masks, predicted = np.zeros((2, 2, 8, 8), np.uint8)
    masks[0, :4] = 1
    predicted[:, 4:] = 1
    features = pd.DataFrame(
        {
            "label": "COVID",
            "luminosity": [25.0, 50.0],
            "mask_area": [0.5, np.nan],
            "masked_luminosity": [10.0, np.nan],
            "masked_contrast": [0.0, np.nan],
        }
    )
    parameters = MaskParameters(source=source, batch_size=2)
    stream, chosen = choose_lung_masks(index, images, masks, predicted, features, parameters)
    return stream.collect(), chosen["masked_luminosity"].tolist(), chosen["luminosity"].tolist()


@pytest.mark.parametrize(
    ("source", "areas", "inside"),
    [
        ("provided", [("top", 32), ("none", 0)], [10.0, None]),
        ("predicted", [("bottom", 32), ("bottom", 32)], [40.0, 90.0]),
        ("provided_else_predicted", [("top", 32), ("bottom", 32)], [10.0, 90.0]),
    ],
)
def test_the_source_decides_masks_and_the_features_inside_them(source, areas, inside):
    masks, luminosity, whole = choose(source)
    for mask, (place, size) in zip(masks, areas, strict=True):
        assert mask.sum() == size
        assert mask[:4].sum() == (size if place == "top" else 0)
    assert [None if np.isnan(value) else value for value in luminosity] == inside
    assert whole == [25.0, 50.0]


def test_the_masked_variant_follows_the_source(study):
    index, splits = study["radiograph_index"], study["splits"]
    predicted = np.ones_like(study["masks"])
    made = {
        source: run_in_memory(
            MASKED,
            study
            | {
                "predicted_masks": predicted,
                "params:segmentation.masks": MaskParameters(source=source, batch_size=16),
            },
        )
        for source in ("provided", "predicted")
    }
    without = set(index.loc[~index["has_mask"], "image_id"])
    assert without
    assert not set(made["provided"]["masked_variant"]["image_id"]) & without
    assert made["predicted"]["lung_features"]["mask_area"].eq(1).all()
    held_out = splits.loc[splits["kept"] & (splits["split"] != "train"), "image_id"]
    assert set(held_out) <= set(made["predicted"]["masked_variant"]["image_id"])


def test_a_study_without_masks_learns_from_a_second_folder(maskless, folder_of_pairs):
    pairs = {"segmentation_pairs": open_study(folder_of_pairs)}
    made = run_in_memory(PREPARED, maskless | pairs)
    assert len(made["lung_pairs"]) == 12
    assert set(made["lung_pairs"]["array"]) == {"pair_images"}
    assert made["pair_images"].shape == (12, *maskless["images"].shape[1:])


def test_without_pairs_the_remedy_is_named(maskless, caplog):
    made = run_in_memory(PREPARED, maskless)
    assert all(isinstance(output, NotMade) for output in made.values())
    assert "--params segmentation_pairs=FOLDER" in made["lung_pairs"].reason
    assert "gather_lung_pairs is skipped: the study has no lung masks" in caplog.text


@pytest.mark.slow
def test_a_folder_that_is_not_there_is_named(engineered, run_kedro):
    with pytest.raises(Exception, match="no_such_folder"):
        run_kedro(
            engineered,
            "segmentation",
            node_names=[node.name for node in PREPARED.nodes],
            params={"segmentation_pairs": "no_such_folder"},
        )
    assert not (engineered / "data/05_model_input/phantom_study/segmentation").exists()


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"masks": {"source": "guessed"}}, "source"),
        ({"unet": {"augmentation": {"rotation": -1}}}, "rotation"),
        ({"unet": {"filters": [8]}}, "filters"),
        ({"pairs": {"test": 0.9, "validation": 0.2}}, "nothing to train on"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(project, run_kedro, params, named):
    with pytest.raises(Exception, match=named):
        run_kedro(project, "segmentation", params={"segmentation": params})
    assert not (project / "data/05_model_input").exists()


def test_shares_of_pairs_add_up():
    shares = PairParameters(test=0.1, validation=0.09, seed=1).shares
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["train"] == pytest.approx(0.81)
