"""The pipeline `ablation` in memory: heads on a small MobileNet, on a study of noise."""

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog
from kedro.runner import SequentialRunner

from covid_xray.datasets import ActivationsDataset, RunStoreDataset
from covid_xray.evaluation.intervals import Intervals
from covid_xray.pipelines.ablation import create_pipeline
from covid_xray.pipelines.ablation.nodes import plan_preprocessing_variants
from covid_xray.pipelines.ablation.parameters import AblationParameters
from covid_xray.records import StaleError
from covid_xray.split import Protocol
from covid_xray.studies.augmented_sets import RUN_COLUMNS
from covid_xray.studies.parameters import AugmentationParameters, SplittingParameters
from covid_xray.studies.pixels import MaskedImages
from covid_xray.studies.variants import (
    VARIANT_COLUMNS,
    VARIANTS,
    list_variants,
    plan_augmentation,
)
from covid_xray.training.settings import TrainingSettings, TransferSettings
from support.memory import KeptDataset, catalog_entries, schema_of

CLASSES = ["COVID", "Normal", "Viral Pneumonia"]
SIDE = 32
SPLITTING = SplittingParameters(
    protocol=Protocol.LEAK_FREE, train=0.6, validation=0.2, test=0.2, seed=3
)
AUGMENTATION = AugmentationParameters(images_per_class=10, n_layers=3, factor=0.1)
TABLE_2 = pd.DataFrame(
    [
        ("1", 4000, 3, 0.1, 4),
        ("3", 6000, 3, 0.1, 8),
        ("5", 6000, 3, 0.1, 8),
        ("8", 6000, 3, 0.2, 8),
    ],
    columns=["setting", "images_per_class", "n_layers", "factor", "batch_size"],
)
TRANSFER = TransferSettings(
    variant="balanced_augmented",
    weights="none",
    input_side=SIDE,
    feature_batch_size=8,
    feature_dtype="float32",
    seed=1,
)
TRAINING = {"learning_rate": 1e-3, "batch_size": 8, "epochs": 1, "patience": 1, "seed": 1}
ABLATION = AblationParameters(
    augmentation_backbone="MobileNet",
    preprocessing_backbone="MobileNet",
    head=[],
    training=TrainingSettings(**TRAINING),
    laplacian_thresholds=[30.5, 1e6],
)


def study():
    """Eight radiographs a class in memory, as the pipelines before this one leave them."""
    rng = np.random.default_rng(2)
    n = 8 * len(CLASSES)
    splits = pd.DataFrame({"label": np.repeat(CLASSES, 8), "kept": True})
    splits["split"] = (["train"] * 4 + ["validation"] * 2 + ["test"] * 2) * len(CLASSES)
    splits["image_id"] = splits["group_id"] = [f"radiograph-{k}" for k in range(n)]
    features = pd.DataFrame({"laplacian_variance": rng.uniform(31, 90, n), "mask_area": 0.3})
    planned = plan_augmentation(splits, SPLITTING, 10)
    how = {"images_per_class": 10, "min_laplacian_variance": 30}
    variants = list_variants(splits, features, planned, SPLITTING, **how)
    autoencoded = (variants["array"] == "autoencoded_images").sum()
    masks = rng.integers(0, 2, (n, SIDE, SIDE)).astype(np.uint8)

    def pixels(n_images):
        return rng.integers(0, 256, (n_images, SIDE, SIDE)).astype(np.uint8)

    return {
        "images": pixels(n),
        "augmented_images": pixels(len(planned)),
        "autoencoded_images": pixels(autoencoded),
        "lung_masks": masks,
        "splits": splits,
        "radiograph_features": features,
        "lung_features": features[["mask_area"]],
        "study_variants": variants,
        "masked_variant": variants[variants["variant"] == "masked"],
        "published_table_2": TABLE_2,
        "published_table_3": pd.DataFrame({"setting": ["1"], "accuracy": 0.65, "f1_score": 0.63}),
        "published_table_4": pd.DataFrame({"variant": ["balanced"], "accuracy": [0.89]}),
        "params:splitting": SPLITTING,
        "params:augmentation": AUGMENTATION,
        "params:modeling.transfer": TRANSFER,
        "params:ablation": ABLATION,
        "params:intervals": Intervals(n_resamples=100, confidence=0.95, seed=1),
    }


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """The catalog after a run."""
    folder = tmp_path_factory.mktemp("ablation")
    pipeline = create_pipeline()
    datasets = {name: KeptDataset(data) for name, data in study().items()}
    datasets |= {name: KeptDataset() for name in pipeline.all_outputs()}
    for name in ("augmentation", "preprocessing"):
        activations = str(folder / f"{name}.npy")
        datasets[f"{name}_activations"] = ActivationsDataset(filepath=activations)
        datasets[f"{name}_classifiers"] = RunStoreDataset(filepath=str(folder / name))
    catalog = DataCatalog(datasets)
    SequentialRunner().run(pipeline, catalog)
    return catalog


@pytest.mark.slow
def test_every_table_is_as_its_schema_says(catalog):
    entries = catalog_entries()
    for name in create_pipeline().all_outputs() & set(entries):
        schema = schema_of(entries[name])
        if schema is not None:
            schema.validate(catalog.load(name))


@pytest.mark.slow
def test_settings_and_thresholds_are_runs_of_one_store(catalog):
    runs = catalog.load("augmentation_runs").set_index("run")
    settings = ["setting_1", "setting_3", "setting_8", "masks"]
    assert runs.index.tolist() == [*settings, "laplacian_30.5", "laplacian_1e+06"]
    facts = ["setting", "images_per_class", "n_layers", "factor", "batch_size"]
    assert runs.loc["setting_8", facts].tolist() == ["8", 10, 3, 0.2, 8]
    assert runs.loc["setting_1", facts].tolist() == ["1", 7, 3, 0.1, 4]
    assert runs.loc["laplacian_30.5", "threshold"] == 30.5
    assert [*catalog.load("augmentation_classifiers")] == runs.index[:-1].tolist()


@pytest.mark.slow
def test_a_threshold_that_leaves_nothing_is_a_row_with_a_note(catalog):
    table = catalog.load("laplacian_table").set_index("threshold")
    assert table.index.tolist() == [1e6, 30.5]
    expected = f"not trained: no train radiograph of {', '.join(CLASSES)}"
    assert table["note"].tolist() == [expected, ""]
    assert table["accuracy"].isna().tolist() == [True, False]
    assert f"threshold 1000000: {expected}" in catalog.load("ablation_page")


@pytest.mark.slow
def test_every_setting_and_variant_has_its_row(catalog):
    table_3 = catalog.load("table_3").set_index("setting")
    assert table_3.index.tolist() == [*"1358", "masks"]
    assert table_3.loc["5", "accuracy":].tolist()[:8] == table_3.loc["3", "accuracy":].tolist()[:8]
    assert table_3["backbone"].unique().tolist() == ["MobileNet"]
    assert table_3.loc["1", "accuracy_published"] == 0.65
    table_4 = catalog.load("table_4")
    assert table_4["variant"].tolist() == list(VARIANTS)
    assert (table_4["n_test"] == 6).all()
    page = catalog.load("ablation_page")
    for title in ("Table 2", "Table 3", "Table 4", "Laplacian"):
        assert f"\n## {title}" in page


@pytest.mark.slow
def test_predictions_are_the_saved_classifiers(catalog):
    predictions = catalog.load("augmentation_predictions")
    rows = catalog.load("splits").reset_index().set_index("image_id")["index"]
    arrays = {"setting_8": catalog.load("images")}
    arrays["masks"] = MaskedImages(catalog.load("images"), catalog.load("lung_masks"))
    for run, array in arrays.items():
        own = predictions[predictions["run"] == run]
        pixels = array[rows[own["image_id"]].to_numpy()][..., None].astype("float32")
        expected = catalog.load("augmentation_classifiers")[run](pixels, training=False)
        columns = [f"probability_{name}" for name in CLASSES]
        np.testing.assert_allclose(own[columns], np.asarray(expected), atol=1e-4)


@pytest.mark.slow
def test_activations_of_other_augmented_images_are_refused(catalog):
    sets = catalog.load("augmented_sets")
    other = KeptDataset(sets.assign(seed=sets["seed"] + 1))
    names = create_pipeline().datasets() - {"augmented_sets"}
    changed = DataCatalog({name: catalog.get(name) for name in names} | {"augmented_sets": other})
    training = create_pipeline().only_nodes(
        "ablation.augmentation_settings.train_augmentation_settings"
    )
    with pytest.raises(StaleError, match="images"):
        SequentialRunner().run(training, changed)


def test_table_4_takes_the_masked_variant_of_the_chosen_masks():
    def row(variant, array, number):
        values = [variant, array, number, f"{array}-{number}", "COVID", "g", "train"]
        return pd.DataFrame([dict(zip(VARIANT_COLUMNS, values, strict=True))])

    variants = pd.concat([row("balanced", "images", 0), row("masked", "masked_images", 1)])
    chosen = row("masked", "masked_images", 5)
    rows = plan_preprocessing_variants(variants, chosen)
    assert rows[["run", "array", "row"]].to_numpy().tolist() == [
        ["balanced", "images", 0],
        ["masked", "masked_images", 5],
    ]
    assert rows.columns.tolist() == RUN_COLUMNS


def test_a_threshold_is_named_once():
    with pytest.raises(ValueError, match="a threshold is named twice"):
        AblationParameters(**ABLATION.model_dump() | {"laplacian_thresholds": [30, 30.0]})
