"""Symptoms of over-fitting: curves drawn so that each symptom is there or is not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covid_xray.evaluation.overfitting import (
    overfitting_notes,
    overfitting_symptoms,
    overfitting_table,
)

NAN, INF = float("nan"), float("inf")


def history(loss, val_loss, accuracy=0.9, val_accuracy=0.9):
    return pd.DataFrame(
        {"epoch": np.arange(1, len(loss) + 1), "loss": loss, "accuracy": accuracy,
         "val_loss": val_loss, "val_accuracy": val_accuracy}
    )  # fmt: skip


FALLING = [0.9, 0.7, 0.5, 0.4, 0.3, 0.2]
TURNING = [0.9, 0.7, 0.5, 0.6, 0.7, 0.8]  # lowest at epoch 3, last three: median 0.7
WIDENING = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
FLAT = np.full(6, 0.7)

FITTING = history(FALLING, FALLING)
DIVERGING = history(FALLING, TURNING)
GROWING = history(FALLING, FALLING, WIDENING, FLAT)
BOTH = history(FALLING, TURNING, WIDENING, FLAT)


@pytest.mark.parametrize(
    ("run", "growing", "diverging"),
    [
        pytest.param(FITTING, False, False, id="neither"),
        pytest.param(DIVERGING, False, True, id="losses"),
        pytest.param(GROWING, True, False, id="accuracy"),
        pytest.param(BOTH, True, True, id="both"),
        # A gap that was there from the start does not grow.
        pytest.param(history(FALLING, FALLING, 0.95, 0.85), False, False, id="constant gap"),
        # Under-fitting: with augmentation or dropout training may be the harder of the two.
        pytest.param(
            history(FALLING, FALLING, WIDENING - 0.4, FLAT), False, False, id="gap below zero"
        ),
        pytest.param(
            history(FALLING, FALLING, WIDENING[::-1], FLAT), False, False, id="closing gap"
        ),
        # Both losses rise: the optimisation fails, and no model is learnt by heart.
        pytest.param(history(TURNING, TURNING), False, False, id="both losses rise"),
        pytest.param(
            history(FALLING, [0.9, 0.7, 0.5, 0.505, 0.505, 0.505]), False, False, id="rise of 1%"
        ),
        pytest.param(
            history(FALLING, [0.9, 0.7, 0.5, 0.515, 0.515, 0.515]), False, True, id="rise of 3%"
        ),
        # One bad epoch at the end is noise.
        pytest.param(
            history(FALLING, [0.9, 0.7, 0.5, 0.5, 0.5, 0.9]), False, False, id="one bad epoch"
        ),
    ],
)
def test_each_symptom_is_seen_where_it_is(run, growing, diverging):
    symptoms = overfitting_symptoms(run)
    assert symptoms["growing_accuracy_gap"] is growing
    assert symptoms["diverging_losses"] is diverging
    assert symptoms["overfits"] is (growing or diverging)
    assert symptoms["note"] == ""


def test_the_figures_are_those_computed_by_hand():
    symptoms = overfitting_symptoms(BOTH)
    assert (symptoms["n_epochs"], symptoms["best_epoch"]) == (6, 3)
    # Gaps -0.2, -0.1, 0, 0.1, 0.2, 0.3.
    assert symptoms["accuracy_gap_slope"] == pytest.approx(0.1)
    assert symptoms["final_accuracy_gap"] == pytest.approx(0.2)
    assert symptoms["val_loss_rise"] == pytest.approx(0.7 / 0.5 - 1)
    assert symptoms["loss_rise"] == pytest.approx(0.3 / 0.5 - 1)


def test_thresholds_decide():
    assert not overfitting_symptoms(BOTH, least_rise=0.5)["diverging_losses"]
    assert not overfitting_symptoms(BOTH, least_gap=0.25)["growing_accuracy_gap"]
    assert not overfitting_symptoms(BOTH, least_growth=0.6)["growing_accuracy_gap"]
    assert overfitting_symptoms(BOTH, least_growth=0.4)["growing_accuracy_gap"]


def test_early_stopping_leaves_few_epochs_after_the_best():
    stopped = history(FALLING[:4], [0.9, 0.7, 0.5, 0.6])
    assert overfitting_symptoms(stopped)["val_loss_rise"] == pytest.approx(0.2)
    assert overfitting_symptoms(stopped)["diverging_losses"]
    at_its_best = overfitting_symptoms(history(FALLING, FALLING))
    assert (at_its_best["best_epoch"], at_its_best["val_loss_rise"]) == (6, 0)


def test_one_epoch_shows_nothing():
    symptoms = overfitting_symptoms(history([0.5], [0.6], 0.9, 0.5))
    assert (symptoms["best_epoch"], symptoms["overfits"]) == (1, False)
    assert symptoms["final_accuracy_gap"] == pytest.approx(0.4)
    assert np.isnan(symptoms["accuracy_gap_slope"])
    assert symptoms["note"].startswith("not testable: 1 epoch")


@pytest.mark.parametrize("broken", [NAN, INF])
def test_epochs_without_a_finite_loss_are_only_counted(broken):
    longer = pd.concat([BOTH, BOTH.tail(2).assign(epoch=[7, 8], val_loss=broken)])
    symptoms = overfitting_symptoms(longer)
    assert symptoms == overfitting_symptoms(BOTH) | {
        "n_epochs": 8, "note": "2 of 8 epochs are not finite",
    }  # fmt: skip


@pytest.mark.parametrize("run", [history([NAN] * 3, [NAN] * 3), FITTING.head(0)])
def test_a_run_without_any_loss_is_not_testable(run):
    symptoms = overfitting_symptoms(run)
    assert symptoms["best_epoch"] is None
    assert symptoms["overfits"] is False
    assert symptoms["note"].startswith("not testable: ")
    assert list(symptoms) == list(overfitting_symptoms(FITTING))


def test_a_validation_loss_of_zero_does_not_divide():
    assert overfitting_symptoms(history([2, 1, 0.5], [1, 0, 0]))["val_loss_rise"] == 0
    risen = overfitting_symptoms(history([2, 1, 0.5], [1, 0, 0.1]))
    assert risen["val_loss_rise"] == INF and risen["diverging_losses"]


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match="val_accuracy"):
        overfitting_symptoms(BOTH.drop(columns="val_accuracy"))


losses = st.lists(st.floats(0.01, 5), min_size=6, max_size=6)
accuracies = st.lists(st.floats(0, 1), min_size=6, max_size=6)


@given(losses, losses, accuracies, accuracies, st.randoms())
@settings(deadline=None, max_examples=50)
def test_the_order_and_first_number_of_epochs_do_not_matter(
    loss, val_loss, accuracy, val_accuracy, random
):
    run = history(loss, val_loss, accuracy, val_accuracy)
    order = random.sample(range(6), 6)
    symptoms = overfitting_symptoms(run)
    assert overfitting_symptoms(run.iloc[order]) == symptoms
    assert overfitting_symptoms(run.set_index(np.arange(6) + 40)) == symptoms
    assert symptoms["overfits"] == (
        symptoms["growing_accuracy_gap"] or symptoms["diverging_losses"]
    )
    assert symptoms["val_loss_rise"] >= 0
    later = overfitting_symptoms(run.assign(epoch=run["epoch"] + 10))
    assert later["best_epoch"] == symptoms["best_epoch"] + 10
    assert later["accuracy_gap_slope"] == pytest.approx(symptoms["accuracy_gap_slope"], abs=1e-9)


def test_a_table_has_a_row_per_model_in_their_order():
    table = overfitting_table({"b": BOTH, "a": FITTING, "none": FITTING.head(0)})
    assert list(table["model"]) == ["b", "a", "none"]
    assert list(table["overfits"]) == [True, False, False]
    assert table["overfits"].dtype == bool
    assert table["best_epoch"].to_list() == [3, 6, pd.NA]
    expected = overfitting_symptoms(BOTH)
    assert {name: table.iloc[0][name] for name in expected} == expected


def test_a_table_of_no_models_has_the_same_columns():
    assert list(overfitting_table({})) == list(overfitting_table({"a": BOTH}))
    assert overfitting_notes(overfitting_table({})) == {}


def test_notes_name_the_symptoms_of_models_that_overfit():
    runs = {"both": BOTH, "neither": FITTING, "losses": DIVERGING, "accuracy": GROWING}
    assert overfitting_notes(overfitting_table(runs)) == {
        "both": "overfits: growing accuracy gap / diverging losses",
        "losses": "overfits: diverging losses",
        "accuracy": "overfits: growing accuracy gap",
    }
