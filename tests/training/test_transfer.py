"""Runs on a backbone's activations: stale ones are refused, untrainable runs say why."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.models.backbone import BACKBONES
from covid_xray.records import StaleError
from covid_xray.split import Split
from covid_xray.training.runs import Run, RunPlan, RunStore
from support.runs import (
    ARRAYS,
    AUGMENTED,
    CLASSES,
    HELD_OUT,
    IMAGES,
    ORIGINALS,
    PROBABILITIES,
    ROWS,
    TRAINING,
    TRANSFER,
    altered,
    make_activations,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny_backbones")]
LONGER = TRAINING.model_copy(update={"epochs": 3})


def new_trainer(rows=ROWS, images=IMAGES, **changes):
    from covid_xray.training.transfer import TransferTrainer

    return TransferTrainer(BACKBONES[0], TRANSFER.model_copy(update=changes), images, rows)


@pytest.fixture(scope="module")
def activations(tiny_backbones):
    return make_activations()


@pytest.fixture(scope="module")
def trained(activations):
    """Runs of several kinds, trained one after the other, by name."""
    no_normal = ROWS["label"] != "Normal"
    runs = [
        Run("first", ROWS, LONGER, {"COVID": 9}),
        Run("untrained", ROWS[no_normal | (ROWS["split"] != "train")], TRAINING),
        Run("unstopped", ROWS[no_normal | (ROWS["split"] != "validation")], TRAINING),
        Run("untested", ROWS[no_normal | (ROWS["split"] != "test")], TRAINING),
        Run("empty", ROWS[:0], TRAINING),
        Run("last", ROWS, TRAINING, {"COVID": 2}, {"variant": "balanced_augmented"}),
    ]
    return {run.name: run for run in train(runs, activations)}


def train(runs, activations):
    plan, *done = new_trainer().train_runs(runs, activations, ARRAYS, ROWS)
    assert isinstance(plan, RunPlan)
    assert list(plan.records) == [run.name for run in runs]
    return done


def test_activations_are_the_trunks_row_by_row(activations):
    trunk = new_trainer()._cut.trunk
    for row in (0, 17, 20):
        pixels = np.concatenate([IMAGES, AUGMENTED])[row][None, ..., None].astype("float32")
        expected = np.concatenate([np.ravel(tensor) for tensor in trunk(pixels)])
        np.testing.assert_allclose(activations.rows[row], expected, rtol=1e-4, atol=1e-4)
    assert activations.rows.shape[0] == len(ROWS)


def test_predictions_are_the_kept_classifiers_of_what_is_held_out(trained):
    run = trained["last"]
    columns = ["image_id", "group_id", "split", "label"]
    pd.testing.assert_frame_equal(
        run.predictions[columns], HELD_OUT[columns].reset_index(drop=True)
    )
    pixels = IMAGES[HELD_OUT["row"]][..., None].astype("float32")
    expected = np.asarray(run.classifier(pixels, training=False))
    np.testing.assert_allclose(run.predictions[PROBABILITIES], expected, atol=1e-4)
    best = np.array(CLASSES)[run.predictions[PROBABILITIES].to_numpy().argmax(axis=1)]
    assert (run.predictions["predicted"] == best).all()


def test_a_run_tells_its_setting_sizes_and_best_epoch(trained):
    run = trained["last"]
    lowest = int(run.history["val_loss"].to_numpy().argmin())
    told = {
        "backbone": "mobilenet",
        "run": "last",
        "variant": "balanced_augmented",
        "weights": "none",
        "weight_COVID": 2,
        "learning_rate": 1e-3,
        "n_train": 12,
        "n_validation": 3,
        "n_test": 6,
        "best_epoch": lowest,
        "epochs_run": 2,
        "note": "",
    }
    assert {name: run.row[name] for name in told} == told
    trainable = sum(np.prod(weight.shape) for weight in run.classifier.trainable_weights)
    assert run.row["trainable_params"] == trainable


def test_a_run_that_lacks_a_class_is_a_row_that_says_so(trained):
    notes = {name: run.row["note"] for name, run in trained.items()}
    assert notes == {
        "first": "",
        "untrained": "not trained: no train radiograph of Normal",
        "unstopped": "not trained: no validation radiograph of Normal",
        "untested": "not trained: no test radiograph of Normal",
        "empty": "not trained: no train radiograph of COVID, Normal, Viral Pneumonia",
        "last": "",
    }
    for name in ("untrained", "unstopped", "untested", "empty"):
        run = trained[name]
        assert run.classifier is None
        assert run.history.empty and run.predictions.empty
        assert (run.row["n_train"], run.row["epochs_run"], run.row["best_epoch"]) == (0, 0, None)


def files_of(run, folder):
    """Bytes of the tables that a store keeps of a run."""
    store = RunStore(folder)
    store.begin(RunPlan({run.name: {}}), anew=True)
    store.keep(run)
    names = ("run.json", "history.parquet", "predictions.parquet")
    return {name: (folder / run.name / name).read_bytes() for name in names}


def test_a_run_is_the_same_alone_and_after_others(trained, activations, tmp_path):
    after = trained["last"]
    (alone,) = train(
        [Run("last", ROWS, TRAINING, {"COVID": 2}, {"variant": "balanced_augmented"})], activations
    )
    assert files_of(alone, tmp_path / "alone") == files_of(after, tmp_path / "after")
    for one, other in zip(
        alone.classifier.get_weights(), after.classifier.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_runs_share_no_weights(trained):
    first, last = (trained[name].classifier.get_weights() for name in ("first", "last"))
    assert any(not np.array_equal(one, other) for one, other in zip(first, last, strict=True))


def test_a_run_may_list_its_rows_in_another_order(trained, activations):
    (run,) = train([Run("shuffled", ORIGINALS[::-1], TRAINING)], activations)
    (same,) = train([Run("sorted", ORIGINALS, TRAINING)], activations)
    assert run.predictions["image_id"].tolist() == same.predictions["image_id"].tolist()[::-1]
    assert run.row["n_train"] == ORIGINALS["split"].eq(Split.TRAIN).sum()


def test_a_run_that_the_store_has_is_not_trained(activations):
    runs = [Run(name, ROWS, TRAINING) for name in ("kept", "lacking")]
    steps = new_trainer().train_runs(runs, activations, ARRAYS, ROWS)
    next(steps).kept.add("kept")
    assert [run.name for run in steps] == ["lacking"]


# Row 5 is held out, so that random weights are not calibrated on it.
STALE = {
    "a pixel of a radiograph": ({"images": altered(IMAGES, 5)}, {}, {"images"}),
    "a pixel of an augmented image": ({"augmented": altered(AUGMENTED, 2)}, {}, {"images"}),
    "the order of the rows": (
        {"rows": ROWS.sort_values("label", ascending=False, kind="stable")},
        {},
        {"images"},
    ),
    "the seed of the weights": ({}, {"seed": 2}, {"weights"}),
    "the input side": ({}, {"input_side": 48}, {"input_side", "cut", "layers", "weights"}),
    "the type": ({}, {"feature_dtype": "float16"}, {"dtype"}),
}


@pytest.mark.parametrize("change", STALE)
def test_stale_activations_are_refused_with_what_changed(change, activations):
    data, settings, names = STALE[change]
    rows, images = data.get("rows", ROWS), data.get("images", IMAGES)
    arrays = {"images": images, "augmented_images": data.get("augmented", AUGMENTED)}
    trainer = new_trainer(rows, images, **settings)
    with pytest.raises(StaleError, match="from something else") as raised:
        next(trainer.train_runs([Run("x", rows, TRAINING)], activations, arrays, rows))
    told = str(raised.value).split("else (", 1)[1].split("). Run")[0]
    assert {difference.split()[0] for difference in told.split("; ")} == names
    assert all(" -> " in difference for difference in told.split("; "))


def test_a_run_that_weighs_a_class_the_study_lacks_is_a_row_with_a_note(activations, caplog):
    (run,) = train([Run("x", ROWS, TRAINING, {"Covid": 2})], activations)
    told = f"not trained: it weighs Covid, and the study has {', '.join(CLASSES)}"
    assert run.row["note"] == told and run.classifier is None
    assert f"Run x of mobilenet is {told}" in caplog.text


def test_random_weights_are_calibrated_on_training_originals():
    # What is held out or augmented changes no weight.
    held_out = new_trainer(images=altered(IMAGES, 5)).activations_record(ARRAYS, ROWS)
    assert held_out == new_trainer().activations_record(ARRAYS, ROWS)
    trained_on = new_trainer(images=altered(IMAGES, 0)).activations_record(ARRAYS, ROWS)
    assert trained_on["weights"] != held_out["weights"]
