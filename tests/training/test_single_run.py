"""What a run tells of itself: the best epoch among those that have a loss, or a note."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from covid_xray.training.runs import Run
from covid_xray.training.single_run import Network, train_run
from support.runs import CLASSES, HELD_OUT, ROWS, TRAINING

NETWORK = Network("tiny", "none", 7)


def row_of(losses):
    history = pd.DataFrame({"epoch": range(len(losses)), "val_loss": losses})
    even = np.full((len(HELD_OUT), len(CLASSES)), 1 / len(CLASSES), np.float32)
    run = train_run(Run("x", ROWS, TRAINING), CLASSES, NETWORK, lambda: (history, even, None))
    return run.row


@pytest.mark.parametrize(
    ("losses", "best"),
    [([3.0, 1.0, 2.0], 1), ([np.nan, 3.0, 2.0], 2), ([1.0, np.nan], 0), ([2.0, 2.0], 0)],
)
def test_the_best_epoch_has_the_lowest_loss_and_never_none(losses, best):
    row = row_of(losses)
    assert (row["best_epoch"], row["epochs_run"], row["note"]) == (best, len(losses), "")


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"lacks": "no radiograph has a lung mask"}, "no radiograph has a lung mask"),
        ({"class_weights": {"Flu": 2}}, "it weighs Flu, and the study has COVID"),
        ({"rows": ROWS[ROWS["label"] != "COVID"]}, "no train radiograph of COVID"),
    ],
)
def test_a_run_that_the_study_has_not_what_it_takes_for_is_a_row_with_a_note(changes, note):
    run = replace(Run("x", ROWS, TRAINING), **changes)
    trained = train_run(run, CLASSES, NETWORK, lambda: pytest.fail("it was trained"))
    assert trained.row["note"].startswith(f"not trained: {note}")
    assert (trained.row["n_train"], trained.row["epochs_run"]) == (0, 0)
    assert trained.predictions.empty and trained.history.empty and trained.classifier is None


def test_a_weight_of_1_of_a_class_that_the_study_lacks_changes_nothing():
    even = np.full((len(HELD_OUT), len(CLASSES)), 1 / len(CLASSES), np.float32)
    history = pd.DataFrame({"epoch": [0], "val_loss": [1.0]})
    run = Run("x", ROWS, TRAINING, class_weights={"Flu": 1})
    trained = train_run(run, CLASSES, NETWORK, lambda: (history, even, None))
    assert trained.row["note"] == ""


def test_a_training_that_diverged_says_so():
    row = row_of([np.nan, np.nan])
    assert row["best_epoch"] is None
    assert row["note"] == "diverged: no epoch has a validation loss"
    assert row["n_train"] > 0
