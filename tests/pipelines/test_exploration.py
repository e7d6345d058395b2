"""The pipeline `exploration` in memory, at sizes that a test can afford."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from covid_xray.imaging.resizing import resize_rows
from covid_xray.models.settings import AutoencoderSettings
from covid_xray.pipelines.exploration import create_pipeline
from covid_xray.pipelines.exploration.nodes_annex_6 import measure_balanced_study
from covid_xray.pipelines.exploration.nodes_reduction import fit_principal_components
from covid_xray.pipelines.exploration.parameters import (
    EigenImageParameters,
    EmbeddingParameters,
    ExampleParameters,
    ReductionParameters,
    SignificanceParameters,
)
from covid_xray.reduction.eigen_images import TooFewRadiographsError
from covid_xray.split import Split
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.splits import kept_rows
from covid_xray.studies.variants import AUTOENCODED, AUTOENCODED_FROM, select_variant
from support.memory import run_in_memory

TRAINING = {"learning_rate": 1e-3, "batch_size": 8, "epochs": 2, "seed": 1}
PARAMETERS = {
    "params:exploration.examples": ExampleParameters(
        per_class=1, duplicate_pairs=2, augmented_images=2, near_threshold=2, seed=1
    ),
    "params:exploration.significance": SignificanceParameters(alpha=0.05),
    "params:exploration.reduction": ReductionParameters(side=32, batch_size=16),
    "params:exploration.eigen_images": EigenImageParameters(n_components=8),
    "params:exploration.autoencoders.dense": AutoencoderSettings(
        architecture="dense", layers=[16], code=6, **TRAINING
    ),
    "params:exploration.autoencoders.convolutional": AutoencoderSettings(
        architecture="convolutional", layers=[4, 4], code=2, **TRAINING
    ),
    "params:exploration.embedding": EmbeddingParameters(
        perplexity=30,
        latent_components=5,
        n_neighbours=3,
        n_shuffles=3,
        silhouette_rows=2000,
        seed=1,
    ),
}
PIPELINE = create_pipeline()
KINDS = ("dense", "convolutional")
FITS = PIPELINE.only_nodes(
    "exploration.eigen_images.fit_principal_components",
    *(
        f"exploration.{kind}.{step}"
        for kind in KINDS
        for step in ("fit_autoencoder", "encode_with_autoencoder", "fit_scaling")
    ),
)
ANNEX_6 = PIPELINE.only_nodes_with_namespaces(["exploration.annex_6"])


@pytest.fixture(scope="module")
def explored(study):
    """The study and everything that the pipeline makes of it; read only."""
    given = study | PARAMETERS
    return given | run_in_memory(PIPELINE, given)


def test_the_boxes_of_the_pipeline_can_be_run_apart():
    assert {node.name for node in ANNEX_6.nodes} == {
        "exploration.annex_6.measure_balanced_study",
        "exploration.annex_6.compare_classes",
    }
    dense = PIPELINE.only_nodes_with_namespaces(["exploration.dense"])
    assert {node.name.split(".")[-1] for node in dense.nodes} == {
        "fit_autoencoder",
        "encode_with_autoencoder",
        "fit_scaling",
        "score_autoencoder",
    }


def test_every_figure_and_annex_of_the_report_is_made():
    outputs = PIPELINE.all_outputs()
    figures = {f"figure_{number}" for number in range(1, 10)}
    annexes = {"annex_5", "annex_6", "annex_10", "annex_11"}
    for wanted in figures | annexes:
        assert any(name.startswith(f"{wanted}_") for name in outputs), wanted


@pytest.mark.slow
def test_annex_6_is_that_of_the_features(explored):
    features = explored["radiograph_features"]
    table = explored["annex_6_anova"].set_index(["radiographs", "feature"])
    groups = [group["luminosity"] for _, group in features.groupby("label")]
    ours = table.loc[("all", "luminosity")]
    np.testing.assert_allclose(
        ours[["f_statistic", "p_value"]].astype(float), stats.f_oneway(*groups)
    )
    assert ours["f_statistic_published"] == 286.197361
    assert len(table) == 10  # five features on two sets
    pairs = explored["annex_6_pairs"]
    assert set(pairs["feature"]) == {"luminosity", "rms_contrast"}
    assert set(pairs["method"]) == {"tukey", "games_howell"}
    published = pairs[pairs["method"] == "tukey"].groupby("radiographs")["mean_diff_published"]
    assert published.count().tolist() == [11, 11]  # one of the twelve is illegible in the report


@pytest.mark.slow
def test_the_balanced_set_is_measured_on_its_own_pixels(explored):
    table = explored["balanced_features"]
    assert len(set(table["label"].value_counts())) == 1
    is_augmented = (table["array"] == "augmented_images") & table["mask_area"].notna()
    augmented = table[is_augmented].iloc[0]
    pixels = explored["augmented_images"][augmented["row"]]
    mask = explored["augmented_masks"][augmented["row"]].astype(bool)
    expected = [pixels.mean(), pixels.std(), mask.mean(), pixels[mask].mean(), pixels[mask].std()]
    columns = ["luminosity", "rms_contrast", "mask_area", "masked_luminosity", "masked_contrast"]
    np.testing.assert_allclose(augmented[columns].astype(float), expected, rtol=1e-6)


@pytest.mark.slow
def test_nothing_is_fitted_on_held_out_radiographs(explored):
    """Other held-out radiographs, the same PCA, autoencoders and scaling."""
    images = explored["images"].copy()
    train = kept_rows(explored["splits"], Split.TRAIN)
    held_out = np.setdiff1d(np.arange(len(images)), train)
    images[held_out] = 255 - images[held_out]
    again = run_in_memory(FITS, explored | {"images": images})
    for name in ("mean_radiograph", "eigen_images", "explained_variance"):
        np.testing.assert_array_equal(again[name], explored[name], err_msg=name)
    for kind in KINDS:
        scaling = f"{kind}_code_scaling"
        np.testing.assert_array_equal(again[scaling], explored[scaling], err_msg=scaling)
        models = (outputs[f"{kind}_autoencoder"].get_weights() for outputs in (again, explored))
        for ours, other in zip(*models, strict=True):
            np.testing.assert_array_equal(ours, other, err_msg=kind)
    changed = again["dense_codes"][held_out]
    assert not np.array_equal(changed, explored["dense_codes"][held_out]), "nothing was changed"


@pytest.mark.slow
def test_the_autoencoded_variant_is_made_of_its_rows(explored):
    from covid_xray.models.autoencoders import Autoencoder

    variants = explored["study_variants"]
    source, rows = (select_variant(variants, name) for name in (AUTOENCODED_FROM, AUTOENCODED))
    autoencoded = explored["autoencoded_images"]
    assert len(rows) == len(autoencoded) == len(source)
    autoencoder = Autoencoder(explored["convolutional_autoencoder"])
    for place in (0, len(rows) // 2, len(rows) - 1):
        origin = source.iloc[place]
        small = resize_rows(explored[origin["array"]], np.array([origin["row"]]), autoencoder.side)
        expected = autoencoder.reconstruct(small)[0].astype(int)
        made = autoencoded[rows["row"].iloc[place]].astype(int)
        # Batches of other sizes may round the other way.
        assert np.abs(made - expected).max() <= 1
        assert rows["image_id"].iloc[place] == origin["image_id"]


@pytest.mark.slow
def test_reductions_are_scored_on_test_radiographs(explored):
    splits = explored["splits"]
    test = splits.loc[kept_rows(splits, Split.TEST), "image_id"]
    scores = explored["convolutional_reconstruction_scores"]
    assert scores["image_id"].tolist() == test.tolist()
    table = explored["reduction_comparison"]
    row = table.iloc[-1]
    assert row["method"] == "convolutional autoencoder"
    assert row["value"] == pytest.approx(scores["ssim"].mean())
    assert row["low"] <= row["value"] <= row["high"]
    assert table["published"].dropna().tolist() == [0.89, 0.65, 0.91]


@pytest.mark.slow
def test_every_embedding_has_numbers_that_its_picture_says(explored):
    scores = explored["embedding_scores"]
    assert len(scores) == 5
    assert scores[["silhouette", "knn_purity", "knn_purity_shuffled"]].notna().all(axis=None)
    plane = scores.set_index("embedding").loc["dense codes, t-SNE in 2-D"]
    title = explored["figure_7_interactive"].layout.title
    assert f"{plane['knn_purity']:.0%}" in str(title)
    splits = explored["splits"]
    kept = splits.loc[splits["kept"], "image_id"]
    assert explored["tsne_points"]["image_id"].tolist() == kept.tolist()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers(explored):
    numbers = PIPELINE.to_outputs("reduction_comparison", "embedding_scores", "annex_6_pairs")
    again = run_in_memory(numbers, explored)
    for name in numbers.outputs():
        assert again[name].to_csv() == explored[name].to_csv(), name


@pytest.mark.slow
def test_the_page_shows_figures_and_published_numbers(explored):
    paths = {name: Path(f"{name}.png") for name in explored if name.startswith("figure_")}
    page = run_in_memory(
        PIPELINE.only_nodes("exploration.write_exploration_page"), explored | paths
    )["exploration_page"]
    assert "![figure_3_luminosity](figure_3_luminosity.png)" in page
    anova = explored["annex_6_anova"].set_index(["radiographs", "feature"])
    luminosity = anova.loc[("all", "luminosity"), "f_statistic"]
    assert f"{luminosity:.4g} (286.2)" in page
    assert "nan" not in page


def test_without_lung_masks_words_take_the_place_of_numbers(study):
    lungs = ["mask_area", "masked_luminosity", "masked_contrast"]
    features = study["radiograph_features"].assign(**dict.fromkeys(lungs, np.nan))
    none = {name: 0 * study[name] for name in ("masks", "augmented_masks")}
    made = run_in_memory(ANNEX_6, study | PARAMETERS | none | {"radiograph_features": features})
    anova = made["annex_6_anova"]
    masked = anova[anova["feature"].isin(lungs)]
    assert len(masked) == 6
    assert masked["note"].str.startswith("not testable: ").all()
    assert anova.loc[anova["feature"] == "luminosity", "p_value"].notna().all()


def test_too_many_components_are_refused_by_name(study):
    with pytest.raises(TooFewRadiographsError, match=r"exploration\.eigen_images\.n_components"):
        fit_principal_components(
            study["images"],
            study["splits"],
            PARAMETERS["params:exploration.reduction"],
            EigenImageParameters(n_components=500),
        )


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"autoencoders": {"dense": {"architecture": "deep"}}}, "architecture"),
        ({"reduction": {"side": 4}}, "side"),
        ({"embedding": {"perplexity": 0}}, "perplexity"),
        ({"significance": {"alpha": 2}}, "alpha"),
        ({"examples": {"per_class": 0}}, "per_class"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(project, run_kedro, params, named):
    with pytest.raises(Exception, match=named):
        run_kedro(project, "exploration", params={"exploration": params})
    assert not (project / "data/05_model_input").exists()


def test_the_balanced_set_follows_the_protocol():
    rows = pd.DataFrame(
        {
            "variant": "balanced_augmented",
            "array": "images",
            "row": [0, 1, 2, 3],
            "image_id": list("abcd"),
            "label": ["COVID", "Normal"] * 2,
            "group_id": list("abcd"),
            "split": ["train", "train", "test", "test"],
        }
    )
    images = np.full((4, 32, 32), 7, np.uint8)
    measured = {
        protocol: measure_balanced_study(
            images,
            images * 0,
            images[:0],
            images[:0],
            rows,
            SplittingParameters(protocol=protocol, train=0.5, validation=0.25, test=0.25, seed=1),
        )
        for protocol in ("leak_free", "published")
    }
    assert measured["leak_free"]["image_id"].tolist() == ["a", "b"]
    assert measured["published"]["image_id"].tolist() == ["a", "b", "c", "d"]
    assert measured["published"]["mask_area"].isna().all()
