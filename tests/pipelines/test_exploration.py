import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from covid_xray.pipelines.exploration.annex_6 import measure_balanced_study
from covid_xray.pipelines.exploration.rendering import render_annex_6
from scipy import stats

from covid_xray.imaging.resizing import resize_rows
from covid_xray.pipelines.exploration import create_pipeline
from covid_xray.reduction.eigen_images import TooFewRadiographsError
from covid_xray.split import Split
from covid_xray.studies.splits import kept_rows
from covid_xray.studies.variants import AUTOENCODED, AUTOENCODED_FROM, select_variant

FITTED = [
    "fit_principal_components",
    *(
        f"exploration.{kind}.{step}"
        for kind in ("dense", "convolutional")
        for step in ("fit_autoencoder", "encode_with_autoencoder", "fit_scaling")
    ),
]
MODEL_INPUT = Path("data/05_model_input/phantom_study/exploration")
REPORTING = Path("data/08_reporting/phantom_study/exploration")


@pytest.fixture
def explored(finished, tmp_path):
    """A copy of a finished project, to be changed."""
    copy = tmp_path / "explored"
    shutil.copytree(finished, copy)
    return copy


def test_the_parts_of_the_pipeline_can_be_run_apart():
    pipeline = create_pipeline()
    annex = pipeline.to_outputs("annex_6")
    assert {node.name for node in annex.nodes} == {
        "measure_balanced_study",
        "compare_classes",
        "write_annex_6",
    }
    dense = pipeline.only_nodes_with_namespaces(["exploration.dense"])
    assert {node.name.split(".")[-1] for node in dense.nodes} == {
        "fit_autoencoder",
        "encode_with_autoencoder",
        "fit_scaling",
        "score_autoencoder",
    }


def test_every_figure_and_annex_of_the_reports_exploration_is_an_output():
    outputs = create_pipeline().all_outputs()
    figures = {f"figure_{number}" for number in range(1, 10)}
    annexes = {"annex_5", "annex_6", "annex_10", "annex_11"}
    for wanted in figures | annexes:
        assert any(name == wanted or name.startswith(f"{wanted}_") for name in outputs), wanted


@pytest.mark.slow
def test_annex_6_is_that_of_the_catalogued_features_beside_the_published(finished, load_catalog):
    catalog = load_catalog(finished)
    features = catalog.load("radiograph_features")
    table = catalog.load("annex_6_anova").set_index(["radiographs", "feature"])
    groups = [group["luminosity"] for _, group in features.groupby("label")]
    f_statistic, p_value = stats.f_oneway(*groups)
    ours = table.loc[("all", "luminosity")]
    np.testing.assert_allclose(
        ours[["f_statistic", "p_value"]].astype(float), [f_statistic, p_value]
    )
    assert ours["f_statistic_published"] == 286.197361
    assert len(table) == 10  # five features on two sets
    pairs = catalog.load("annex_6_pairs")
    assert set(pairs["feature"]) == {"luminosity", "rms_contrast"}
    assert set(pairs["method"]) == {"tukey", "games_howell"}
    published = pairs[pairs["method"] == "tukey"].groupby("radiographs")["mean_diff_published"]
    assert published.count().tolist() == [11, 11]  # one of the twelve is illegible in the report


@pytest.mark.slow
def test_the_balanced_set_is_measured_on_its_own_pixels_and_masks(finished, load_catalog):
    catalog = load_catalog(finished)
    table = catalog.load("balanced_features")
    assert len(set(table["label"].value_counts())) == 1
    child = table[(table["array"] == "augmented_images") & table["mask_area"].notna()].iloc[0]
    pixels = catalog.load("augmented_images")[child["row"]]
    mask = catalog.load("augmented_masks")[child["row"]].astype(bool)
    expected = [pixels.mean(), pixels.std(), mask.mean(), pixels[mask].mean(), pixels[mask].std()]
    columns = ["luminosity", "rms_contrast", "mask_area", "masked_luminosity", "masked_contrast"]
    np.testing.assert_allclose(child[columns].astype(float), expected, rtol=1e-6)


@pytest.mark.slow
def test_nothing_is_fitted_on_held_out_radiographs(explored, run_kedro, load_catalog):
    """Other held-out radiographs, the same PCA, autoencoders and scaling."""
    catalog = load_catalog(explored)
    names = ["mean_radiograph", "eigen_images", "explained_variance"]
    names += [f"exploration.{kind}.code_scaling" for kind in ("dense", "convolutional")]
    models = [f"exploration.{kind}.autoencoder" for kind in ("dense", "convolutional")]
    before = {name: np.array(catalog.load(name)) for name in names}
    weights = {name: catalog.load(name).get_weights() for name in models}
    codes = np.array(catalog.load("exploration.dense.codes"))

    path = explored / "data/02_intermediate/phantom_study/images.npy"
    images = np.load(path)
    held_out = np.setdiff1d(np.arange(len(images)), kept_rows(catalog.load("splits"), Split.TRAIN))
    images[held_out] = 255 - images[held_out]
    np.save(path, images)
    run_kedro(explored, "exploration", node_names=FITTED)

    for name, expected in before.items():
        np.testing.assert_array_equal(np.array(catalog.load(name)), expected, err_msg=name)
    for name, expected in weights.items():
        for ours, other in zip(catalog.load(name).get_weights(), expected, strict=True):
            np.testing.assert_array_equal(ours, other, err_msg=name)
    changed = catalog.load("exploration.dense.codes")
    assert not np.array_equal(changed[held_out], codes[held_out]), "the change reached nothing"


@pytest.mark.slow
def test_the_autoencoded_variant_is_what_the_autoencoder_makes_of_its_rows(finished, load_catalog):
    from covid_xray.models.autoencoders import Autoencoder

    catalog = load_catalog(finished)
    variants = catalog.load("study_variants")
    source, rows = (select_variant(variants, name) for name in (AUTOENCODED_FROM, AUTOENCODED))
    autoencoded = catalog.load("autoencoded_images")
    assert len(rows) == len(autoencoded) == len(source)
    autoencoder = Autoencoder(catalog.load("exploration.convolutional.autoencoder"))
    for place in (0, len(rows) // 2, len(rows) - 1):
        origin = source.iloc[place]
        pixels = catalog.load(origin["array"])
        small = resize_rows(pixels, np.array([origin["row"]]), autoencoder.side)
        expected = autoencoder.reconstruct(small)[0].astype(int)
        made = autoencoded[rows["row"].iloc[place]].astype(int)
        # Batches of other sizes may round the other way.
        assert np.abs(made - expected).max() <= 1
        assert rows["image_id"].iloc[place] == origin["image_id"]


@pytest.mark.slow
def test_reductions_are_scored_on_test_radiographs_beside_the_published(finished, load_catalog):
    catalog = load_catalog(finished)
    table = catalog.load("reduction_comparison")
    splits = catalog.load("splits")
    test = splits.loc[kept_rows(splits, Split.TEST), "image_id"]
    scores = catalog.load("exploration.convolutional.reconstruction_scores")
    assert scores["image_id"].tolist() == test.tolist()
    row = table.iloc[-1]
    assert row["method"] == "convolutional autoencoder"
    assert row["value"] == pytest.approx(scores["ssim"].mean())
    assert row["low"] <= row["value"] <= row["high"]
    assert table["published"].dropna().tolist() == [0.89, 0.65, 0.91]


@pytest.mark.slow
def test_every_embedding_has_its_numbers_and_its_picture_says_them(finished, load_catalog):
    catalog = load_catalog(finished)
    scores = catalog.load("embedding_scores")
    assert len(scores) == 5
    assert scores[["silhouette", "knn_purity", "knn_purity_shuffled"]].notna().all(axis=None)
    plane = scores.set_index("embedding").loc["dense codes, t-SNE in 2-D"]
    title = catalog.load("figure_7_interactive").layout.title
    assert f"{plane['knn_purity']:.0%}" in str(title)
    shown = catalog.load("tsne_points")
    splits = catalog.load("splits")
    assert shown["image_id"].tolist() == splits.loc[splits["kept"], "image_id"].tolist()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_byte_for_byte(explored, run_kedro):
    names = ["reduction_comparison.csv", "embedding_scores.csv", "annex_6_pairs.csv"]
    before = {name: (explored / REPORTING / name).read_bytes() for name in names}
    run_kedro(explored, "exploration")
    assert {name: (explored / REPORTING / name).read_bytes() for name in names} == before


@pytest.mark.slow
def test_without_lung_masks_words_take_the_place_of_figures(explored, run_kedro, load_catalog):
    for masks in (explored / "data/01_raw/phantom_study").glob("*/masks"):
        shutil.rmtree(masks)
    run_kedro(explored, "data_engineering")
    nodes = ["draw_features", "draw_mask_examples", "measure_balanced_study", "compare_classes"]
    run_kedro(explored, "exploration", node_names=[*nodes, "write_annex_6"])
    catalog = load_catalog(explored)
    anova = catalog.load("annex_6_anova")
    masked = anova[anova["feature"].isin(["mask_area", "masked_luminosity", "masked_contrast"])]
    assert len(masked) == 6
    assert masked["note"].str.startswith("not testable: ").all()
    assert anova.loc[anova["feature"] == "luminosity", "p_value"].notna().all()
    assert "not testable" in catalog.load("annex_6")


@pytest.mark.slow
def test_too_many_components_are_refused_by_name_and_damage_nothing(explored, run_kedro):
    path = explored / MODEL_INPUT / "eigen_images.npy"
    before = path.read_bytes()
    params = {"exploration": {"eigen_images": {"n_components": 500}}}
    with pytest.raises(TooFewRadiographsError, match=r"exploration\.eigen_images\.n_components"):
        run_kedro(explored, "exploration", node_names=FITTED[:1], params=params)
    assert path.read_bytes() == before


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


def test_balanced_set_follows_the_protocol():
    from covid_xray.studies.parameters import SplittingParameters

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


@pytest.mark.slow
def test_the_page_of_annex_6_shows_ours_and_in_brackets_the_published(finished, load_catalog):
    catalog = load_catalog(finished)
    tables = [catalog.load(f"annex_6_{name}") for name in ("assumptions", "anova", "pairs")]
    page = render_annex_6(*tables)
    luminosity = tables[1].query("radiographs == 'all' and feature == 'luminosity'").iloc[0]
    assert f"{luminosity['f_statistic']:.4g} (286.2)" in page
    assert "nan" not in page
    assert page == catalog.load("annex_6")
