"""Runs of whole networks on pixels."""

import io
import zipfile

import h5py
import keras
import numpy as np
import pandas as pd
import pytest

from covid_xray.models.screening_classifiers import build_screening_classifier
from covid_xray.models.settings import ScreeningNetworkSettings
from covid_xray.records import changes
from covid_xray.split import Split
from covid_xray.studies.pixels import MaskedImages
from covid_xray.training.balanced import train_balanced
from covid_xray.training.batches import SplitRows
from covid_xray.training.fitting import compile_classifier
from covid_xray.training.networks import NetworkTrainer, as_inputs
from covid_xray.training.runs import Run, RunPlan
from covid_xray.training.settings import TrainingSettings, ViewSettings

pytestmark = pytest.mark.slow

NETWORKS = ScreeningNetworkSettings(
    input_side=32,
    weights="none",
    cnn={"filters": [4], "dense": 4, "dropout": 0.5},
    xception={
        "architecture": "MobileNet",
        "cut_layer": 8,
        "trainable_layers": 2,
        "filters": [4],
        "dense": 4,
        "dropout": 0.5,
    },
    seed=1,
)
VIEWS = ViewSettings(flips=True, rotation=0.1)
TRAINING = TrainingSettings(learning_rate=1e-2, batch_size=4, epochs=2, patience=2, seed=3)
N = 18
IMAGES = np.random.default_rng(1).integers(0, 256, (N, 32, 32)).astype(np.uint8)
MASKS = np.random.default_rng(2).integers(0, 2, IMAGES.shape).astype(np.uint8)
ARRAYS = {"images": IMAGES, "lungs": MaskedImages(IMAGES, MASKS)}
ROWS = pd.DataFrame(
    {
        "array": "lungs",
        "row": range(N),
        "image_id": [f"i{row}" for row in range(N)],
        "group_id": [f"g{row}" for row in range(N)],
        "split": (["train"] * 4 + ["validation", "test"]) * 3,
        "label": np.repeat(["COVID", "Normal", "Normal"], 6),
    }
)


def run_of(name, architecture="cnn", training=TRAINING, rows=ROWS):
    return Run(name, rows, training, facts={"architecture": architecture, "target": "COVID"})


def new_trainer(networks=NETWORKS, arrays=ARRAYS):
    return NetworkTrainer(networks, VIEWS, arrays)


def train(*runs, trainer=None):
    """Trained runs by name, with the weights that their classifiers had when they were handed."""
    trained = {}
    for run in (trainer or new_trainer()).train_runs(runs):
        if not isinstance(run, RunPlan):
            weights = run.classifier.get_weights() if run.classifier else None
            trained[run.name] = run, weights
    return trained


def test_a_run_is_a_plain_training_of_a_new_network():
    other = run_of("other", training=TRAINING.model_copy(update={"seed": 9}))
    run, weights = train(other, run_of("cnn"))["cnn"]
    plain = build_screening_classifier("cnn", 2, NETWORKS)
    compile_classifier(plain, TRAINING)
    targets = np.eye(2, dtype=np.float32)[(ROWS["label"] == "Normal").astype(int)]
    history = train_balanced(
        plain,
        lambda rows: as_inputs(ARRAYS["lungs"][rows]),
        targets=targets,
        rows=SplitRows(
            np.flatnonzero(ROWS["split"] == "train"), np.flatnonzero(ROWS["split"] == "validation")
        ),
        views=VIEWS,
        settings=TRAINING,
    )
    pd.testing.assert_frame_equal(run.history, history)
    for one, expected in zip(weights, plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, expected)


def test_a_run_predicts_all_that_is_held_out():
    run, _ = train(run_of("cnn"))["cnn"]
    held_out = ROWS[ROWS["split"] != "train"]
    assert run.predictions["group_id"].tolist() == held_out["group_id"].tolist()
    probabilities = run.predictions[["probability_COVID", "probability_Normal"]]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    pixels = as_inputs(ARRAYS["lungs"][held_out["row"].to_numpy()])
    np.testing.assert_allclose(probabilities, run.classifier(pixels, training=False), atol=1e-6)


def test_a_run_says_what_it_is():
    run, _ = train(run_of("naive", rows=ROWS.assign(array="images")))["naive"]
    wanted = {"backbone": "cnn", "run": "naive", "architecture": "cnn", "target": "COVID"}
    assert wanted.items() <= run.row.items()
    assert (run.row["n_train"], run.row["n_test"], run.row["weights"]) == (12, 3, "none")
    assert run.row["best_epoch"] == run.history["val_loss"].argmin()


def test_a_run_without_a_class_is_a_row_with_a_note():
    lacking = ROWS[(ROWS["label"] != "COVID") | (ROWS["split"] != Split.TRAIN)]
    trained = train(run_of("cnn", rows=lacking), run_of("other"))
    run, _ = trained["cnn"]
    assert run.row["note"] == "not trained: no train radiograph of COVID"
    assert run.classifier is None
    assert len(run.predictions) == len(run.history) == 0
    assert len(trained["other"][0].history) == 2


@pytest.mark.parametrize("array", ["images", "lungs"])
def test_a_record_follows_the_pixels_that_a_run_sees(array):
    run = run_of("cnn", rows=ROWS.assign(array=array))
    masks = MASKS.copy()
    masks[0, 0, 0] ^= 1
    other = ARRAYS | {"lungs": MaskedImages(np.maximum(IMAGES, 1), masks)}
    before, after = (new_trainer(arrays=arrays).record(run) for arrays in (ARRAYS, other))
    assert [change.split()[0] for change in changes(before, after)] == (
        ["pixels"] if array == "lungs" else []
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 2}, ["start"]),
        ({"input_side": 48}, ["network.input_side"]),
        ({"weights": "nowhere"}, []),  # a CNN from scratch has none
    ],
)
def test_a_record_follows_what_the_network_is(change, named):
    before = new_trainer().record(run_of("cnn"))
    after = new_trainer(NETWORKS.model_copy(update=change)).record(run_of("cnn"))
    assert [line.split()[0] for line in changes(before, after)] == named


def test_random_backbones_are_calibrated():
    run, _ = train(run_of("xception", "xception"))["xception"]
    untouched = build_screening_classifier("xception", 2, NETWORKS)
    normalised = [
        (layer, other)
        for layer, other in zip(untouched.layers, run.classifier.layers, strict=True)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert normalised
    for layer, other in normalised:
        assert not np.array_equal(layer.moving_mean, other.moving_mean), layer.name


def test_a_classifier_ships_no_state_of_its_training(tmp_path):
    run, _ = train(run_of("cnn"))["cnn"]
    run.classifier.save(tmp_path / "trained.keras")
    with zipfile.ZipFile(tmp_path / "trained.keras") as archive:
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    assert "optimizer" not in weights
