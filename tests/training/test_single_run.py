"""What a run tells of itself: the best epoch among those that have a loss, or a note."""

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


def test_a_training_that_diverged_says_so():
    row = row_of([np.nan, np.nan])
    assert row["best_epoch"] is None
    assert row["note"] == "diverged: no epoch has a validation loss"
    assert row["n_train"] > 0
