"""Training nodes: stale activations are refused, and what can't be trained is said and left out."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.imaging.augmentation import Augmentation, augment_radiographs
from covid_xray.models.feature_cache import StaleFeaturesError, TrunkFeatures
from covid_xray.models.settings import TrainingSettings
from covid_xray.models.trunk import cut_classifier, trunk_features
from covid_xray.pipelines.modeling.frozen import _train_runs, extract_children_features
from covid_xray.pipelines.modeling.parameters import (
    BackboneParameters,
    FrozenParameters,
    TransferParameters,
)
from covid_xray.pipelines.modeling.transfer import (
    extract_trunk_features,
    initial_cut,
    train_classifier,
)
from covid_xray.studies.parameters import (
    AugmentationParameters,
    ReadingParameters,
)
from covid_xray.training.fitting import TailTrainer, predict_probabilities
from support.transfer import build_tiny

CLASSES = ["COVID", "Normal", "Viral Pneumonia"]
SPLITS = ["train", "train", "train", "validation", "test", "test"]
RNG = np.random.default_rng(8)
IMAGES = RNG.integers(0, 256, (18, 40, 40)).astype(np.uint8)
AUGMENTED = RNG.integers(0, 256, (3, 40, 40)).astype(np.uint8)
MASKS = RNG.integers(0, 2, IMAGES.shape).astype(np.uint8)
TRAINING = TrainingSettings(learning_rate=1e-3, batch_size=3, epochs=2, patience=2, seed=1)
BACKBONE = BackboneParameters(
    architecture="MobileNet", trainable_layers=6, head=[{"dense": 8}, {"dropout": 0.5}]
)
TRANSFER = TransferParameters(
    variant="balanced_augmented",
    weights="none",
    input_side=32,
    feature_batch_size=8,
    feature_dtype="float32",
    seed=1,
)


def row_list():
    """Six radiographs of each class, and a child of each class's first."""
    rows = pd.DataFrame({"array": "images", "row": range(18), "label": np.repeat(CLASSES, 6)})
    rows["split"] = SPLITS * 3
    children = pd.DataFrame({"array": "augmented_images", "row": range(3), "label": CLASSES})
    rows = pd.concat([rows, children.assign(split="train")], ignore_index=True)
    rows["image_id"] = [f"{a}-{r}" for a, r in zip(rows["array"], rows["row"], strict=True)]
    return rows.assign(variant="balanced_augmented", group_id=rows["image_id"])


ROWS = row_list()


@pytest.fixture(scope="module")
def extracted():
    features = extract_trunk_features(IMAGES, AUGMENTED, ROWS, TRANSFER, BACKBONE)
    return TrunkFeatures(features.key, features.rows.collect())


def train(features, **changes):
    inputs = {
        "images": IMAGES,
        "augmented_images": AUGMENTED,
        "study_variants": ROWS,
        "trunk_features": features,
        "transfer": TRANSFER,
        "training": TRAINING,
        "class_weights": {"COVID": 2},
        "backbone": BACKBONE,
    }
    return train_classifier(**inputs | changes)


@pytest.mark.slow
def test_unchanged_features_are_trained_on_and_held_out_radiographs_predicted(extracted):
    model, history, summary, predictions = train(extracted)
    held_out = ROWS[ROWS["split"] != "train"]
    for column in ("image_id", "split", "label"):
        assert predictions[column].tolist() == held_out[column].tolist()
    pixels = IMAGES[held_out["row"]][..., None].astype("float32")
    columns = [f"probability_{name}" for name in CLASSES]
    expected = np.asarray(model(pixels, training=False))
    np.testing.assert_allclose(predictions[columns], expected, atol=1e-4)
    best = np.array(CLASSES)[predictions[columns].to_numpy().argmax(axis=1)]
    assert (predictions["predicted"] == best).all()
    assert summary["n_train"] == 12
    assert summary["classes"] == CLASSES
    assert summary["class_weights"] == {"COVID": 2}
    assert (summary["backbone"], summary["weights"]) == ("mobilenet", "none")
    assert summary["epochs_run"] == len(history)
    assert history["val_loss"].argmin() == summary["best_epoch"]


def altered(array, row):
    changed = array.copy()
    changed[row, 0, 0] ^= 1
    return changed


# Row 5 is held out, so that random weights are not calibrated on it.
STALE = {
    "a pixel of a radiograph": ({"images": altered(IMAGES, 5)}, {"images"}),
    "a pixel of a child": ({"augmented_images": altered(AUGMENTED, 2)}, {"images"}),
    "the order of the classes": (
        {"study_variants": ROWS.sort_values("label", ascending=False, kind="stable")},
        {"images"},
    ),
    "the weights": ({"transfer": TRANSFER.model_copy(update={"seed": 2})}, {"weights"}),
    "the input side": (
        {"transfer": TRANSFER.model_copy(update={"input_side": 64})},
        {"input_side", "cut", "weights"},
    ),
    "the cut": (
        {"backbone": BACKBONE.model_copy(update={"trainable_layers": 7})},
        {"frozen_layers"},
    ),
    "the type": ({"transfer": TRANSFER.model_copy(update={"feature_dtype": "float16"})}, {"dtype"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", STALE)
def test_features_of_anything_else_are_refused_with_what_changed(change, extracted):
    changes, names = STALE[change]
    with pytest.raises(StaleFeaturesError, match="other values of") as raised:
        train(extracted, **changes)
    told = str(raised.value).split("other values of ")[1].split(".")[0].split(", ")
    assert set(told) == names


@pytest.mark.slow
def test_a_weight_of_an_unknown_class_is_refused_by_name(extracted):
    with pytest.raises(ValueError, match=r"modeling\.class_weights names \['Covid'\].*'COVID'"):
        train(extracted, class_weights={"Covid": 2})


def test_a_class_without_training_radiographs_is_named_before_anything_is_computed():
    lacking = ROWS[(ROWS["label"] != "Normal") | (ROWS["split"] != "train")]
    message = "Variant 'balanced_augmented' has no training row of Normal in study_variants"
    with pytest.raises(ValueError, match=message):
        extract_trunk_features(IMAGES, AUGMENTED, lacking, TRANSFER, BACKBONE)
    with pytest.raises(ValueError, match=message):
        train(None, study_variants=lacking)


FROZEN = FrozenParameters(
    augmentation_backbone="MobileNet",
    preprocessing_backbone="MobileNet",
    head=[{"dense": 8}],
    training=TRAINING,
    laplacian_thresholds=[0],
)
CHILDREN = pd.DataFrame({"row": range(3), "parent_row": [0, 6, 0], "seed": [5, 6, 7]})
CHILDREN["image_id"] = ["images-0_augmented_1", "images-6_augmented_1", "images-0_augmented_2"]
SETS = pd.concat([CHILDREN.assign(set=name) for name in ("three_layers", "factor_0_2", "masked")])


def children_features(name="three_layers", children=SETS, images=IMAGES, masks=MASKS):
    return extract_children_features(
        images,
        masks,
        ROWS[ROWS["array"] == "images"].assign(run="3"),
        children,
        AugmentationParameters(images_per_class=4, n_layers=3, factor=0.1, workers=1),
        ReadingParameters(side=40),
        TRANSFER,
        FROZEN,
        name,
    )


@pytest.mark.slow
def test_the_key_of_childrens_features_follows_their_parents_masks_seeds_and_factor():
    known, masked = children_features().key, children_features("masked").key
    # Of a parent, and of a radiograph that has no child.
    of_parent, of_another = altered(MASKS, 6), altered(MASKS, 1)
    both = {"images", "augmentation"}
    changes = [
        (known, children_features(masks=of_parent), set()),
        (known, children_features("factor_0_2"), {"augmentation"}),
        (known, children_features(children=SETS.replace({"seed": {7: 8}})), {"augmentation"}),
        (known, children_features(children=SETS.replace({"parent_row": {6: 7}})), both),
        (masked, children_features("masked", masks=of_parent), {"images"}),
        (masked, children_features("masked", masks=of_another), set()),
    ]
    for key, features, expected in changes:
        assert {name for name in key if features.key[name] != key[name]} == expected
        cached = TrunkFeatures(key, np.zeros((3, 1)))
        if expected:
            with pytest.raises(StaleFeaturesError, match="augmentation|images"):
                cached.checked(features.key)
        else:
            assert cached.checked(features.key) is cached.rows


@pytest.mark.slow
def test_features_of_children_are_those_of_their_augmented_pixels_under_their_masks():
    rows, seeds = CHILDREN["parent_row"].tolist(), CHILDREN["seed"].tolist()
    augmentation = Augmentation.of_report(3, 0.1)
    pixels, masks = augment_radiographs(IMAGES, MASKS, rows, seeds, augmentation)
    pixels *= masks
    ours = children_features("masked").rows.collect()
    rows = ROWS[ROWS["array"] == "images"]
    cut = initial_cut(IMAGES, rows, FROZEN.backbone("MobileNet"), TRANSFER)
    expected = trunk_features(cut, [pixels], 3, "float32").collect()
    np.testing.assert_allclose(ours, expected, atol=1e-4)
    assert ours.shape == (3, 1024)
    assert np.ptp(ours, axis=0).max() > 1e-2, "all children look alike to this model"


def runs_on_tiny(*runs):
    """Train runs, given as (name, rows, training), on a tiny classifier's activations."""
    cut = cut_classifier(build_tiny(n_classes=3))
    features = trunk_features(cut, [IMAGES], len(IMAGES), "float32").collect()
    stored = ROWS[ROWS["array"] == "images"][["array", "row"]]
    # Stored in another order than the runs list them.
    order = np.random.default_rng(0).permutation(len(stored))
    rows = pd.concat([rows.assign(run=name) for name, rows, _ in runs])
    settings = {name: training for name, _, training in runs}
    of_runs = _train_runs(
        TailTrainer(cut), features[order], stored.iloc[order], rows, settings, set(rows["label"])
    )
    return cut, features, *of_runs


@pytest.mark.slow
def test_a_run_that_lacks_a_class_says_so_and_the_others_are_trained_as_if_alone():
    complete = ROWS[ROWS["array"] == "images"]
    is_normal = complete["label"] == "Normal"
    no_training = complete[~(is_normal & (complete["split"] == "train"))]
    no_validation = complete[~(is_normal & (complete["split"] == "validation"))]
    other = TRAINING.model_copy(update={"epochs": 1})
    *_, runs, predictions = runs_on_tiny(
        ("first", complete, other),
        ("untrained", no_training, TRAINING),
        ("unstopped", no_validation, TRAINING),
        ("empty", complete[:0], TRAINING),
        ("last", complete, TRAINING),
    )
    assert runs["run"].tolist() == ["first", "untrained", "unstopped", "empty", "last"]
    assert runs["n_train"].tolist() == [9, 0, 0, 0, 9]
    assert runs["note"].tolist() == [
        "",
        "not trained: no train radiograph of Normal",
        "not trained: no validation radiograph of Normal",
        "not trained: no train radiograph of COVID, Normal, Viral Pneumonia",
        "",
    ]
    assert predictions["run"].unique().tolist() == ["first", "last"]
    cut, features, _, alone = runs_on_tiny(("last", complete, TRAINING))
    last = predictions[predictions["run"] == "last"].reset_index(drop=True)
    pd.testing.assert_frame_equal(last, alone, rtol=0, atol=0)
    held_out = complete[complete["split"] != "train"]
    assert alone["image_id"].tolist() == held_out["image_id"].tolist()
    rows = held_out["row"].to_numpy()
    expected = predict_probabilities(cut.tail, lambda r: cut.part(features[r]), rows, 3)
    columns = [f"probability_{name}" for name in CLASSES]
    np.testing.assert_allclose(alone[columns], expected, atol=1e-5)


def test_when_no_run_can_be_trained_the_predictions_are_an_empty_table():
    complete = ROWS[ROWS["array"] == "images"]
    rows = complete[complete["split"] != "train"]
    *_, runs, predictions = runs_on_tiny(("untrained", rows, TRAINING))
    assert runs["note"].item().startswith("not trained: no train radiograph of COVID")
    assert predictions.empty
    assert {"run", "image_id", "split", "label", "predicted"} <= set(predictions.columns)
