"""Scores per class: against scikit-learn's report, and counted by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import binomtest
from sklearn.metrics import classification_report

from covid_xray.evaluation.intervals import Intervals, interval_of_draws
from covid_xray.evaluation.metrics import accuracy_score
from covid_xray.evaluation.predictions import probability_column
from covid_xray.evaluation.scoring import (
    FROZEN_SCORES,
    REPORT_SCORES,
    confusion_shares,
    confusion_shares_of_runs,
    score_predictions,
    score_runs,
    wide_scores,
)

# Not in the order of their names: the columns decide.
CLASSES = ["Normal", "COVID", "Viral Pneumonia"]
INTERVALS = Intervals(n_resamples=100, confidence=0.9, seed=4)
NAMES = {"precision": "precision", "recall": "recall", "f1_score": "f1-score"}
confusions = arrays.arrays(np.int64, (3, 3), elements=st.integers(0, 12)).filter(
    lambda counts: (counts.sum(axis=1) > 0).all()
)
# 3 classes of 4, 10 and 2 test radiographs.
BY_HAND = np.array([[3, 1, 0], [2, 8, 0], [0, 1, 1]])


def predictions_of(confusion, classes=CLASSES):
    """Test radiographs that a confusion matrix counts, and validation ones that it does not."""
    pairs = [
        (true, predicted)
        for i, true in enumerate(classes)
        for j, predicted in enumerate(classes)
        for _ in range(confusion[i][j])
    ]
    table = pd.DataFrame(pairs, columns=["label", "predicted"]).assign(split="test")
    others = pd.DataFrame(
        {"label": classes[0], "predicted": classes[-1], "split": "validation"}, index=range(7)
    )
    table = pd.concat([table, others], ignore_index=True)
    table.insert(0, "image_id", [f"image-{i}" for i in range(len(table))])
    return table.assign(**{probability_column(name): 1 / len(classes) for name in classes})


def test_scores_counted_by_hand():
    table = score_predictions(predictions_of(BY_HAND), INTERVALS).set_index(["label", "score"])
    # Of 1 per class: 0.75 and 0.2 and 0 are predicted to be Normal.
    assert table.loc[("Normal", "precision"), "value"] == pytest.approx(0.75 / 0.95)
    assert table.loc[("Normal", "precision"), "natural"] == pytest.approx(3 / 5)
    assert table.loc[("COVID", "recall"), "value"] == pytest.approx(0.8)
    assert table.loc[("COVID", "recall"), "natural"] == pytest.approx(0.8)
    assert table.loc[("Viral Pneumonia", "f1_score"), "value"] == pytest.approx(2 * 0.5 / 1.5)
    assert table.loc[("all", "accuracy"), "value"] == pytest.approx((0.75 + 0.8 + 0.5) / 3)
    assert table.loc[("all", "accuracy"), "natural"] == pytest.approx(12 / 16)
    assert table["support"].groupby(level="label").first().to_dict() == {
        "Normal": 4, "COVID": 10, "Viral Pneumonia": 2, "all": 16,
    }  # fmt: skip


def test_scores_and_bounds_at_the_natural_prevalence():
    table = score_predictions(predictions_of(BY_HAND), INTERVALS, balance=False)
    assert table["value"].equals(table["natural"])
    scores = table.set_index(["label", "score"])
    # Of 3 + 2 radiographs that are predicted to be Normal, 3 are.
    assert scores.loc[("Normal", "precision"), "value"] == pytest.approx(3 / 5)
    assert scores.loc[("all", "accuracy"), "value"] == pytest.approx(12 / 16)
    low, high = scores.loc[("all", "accuracy"), ["low", "high"]]
    # Balanced accuracy, 0.68, draws lower: bounds of the one are not those of the other.
    balanced = score_predictions(predictions_of(BY_HAND), INTERVALS).set_index(["label", "score"])
    assert low > balanced.loc[("all", "accuracy"), "low"]
    assert low < 12 / 16 < high


def test_rows_and_columns_come_in_order():
    table = score_predictions(predictions_of(BY_HAND), INTERVALS)
    assert list(table) == ["label", "score", "value", "low", "high", "natural", "support"]
    three = ["precision", "recall", "f1_score"]
    assert list(table["score"]) == [*three * 4, "accuracy"]
    assert list(table["label"].unique()) == [*CLASSES, "all"]
    assert (table["label"] == "all").sum() == 4
    assert table["support"].dtype == np.int64


@given(confusions)
@settings(deadline=None, max_examples=25)
def test_scores_equal_those_of_scikit_learn(confusion):
    predictions = predictions_of(confusion)
    test = predictions[predictions["split"] == "test"]
    weights = 1 / test.groupby("label")["label"].transform("size")
    table = score_predictions(predictions, INTERVALS).set_index(["label", "score"])
    for column, sample_weight in (("value", weights), ("natural", None)):
        expected = classification_report(
            test["label"], test["predicted"], labels=CLASSES, sample_weight=sample_weight,
            output_dict=True, zero_division=0,
        )  # fmt: skip
        for label in [*CLASSES, "all"]:
            theirs = expected["macro avg" if label == "all" else label]
            for score, name in NAMES.items():
                assert table.loc[(label, score), column] == pytest.approx(theirs[name])
        accuracy = np.average(test["label"] == test["predicted"], weights=sample_weight)
        assert table.loc[("all", "accuracy"), column] == pytest.approx(accuracy)
    assert table.loc[("all", "accuracy"), "value"] == pytest.approx(
        table.loc[("all", "recall"), "value"]
    )


@given(confusions, st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_the_order_of_rows_changes_nothing(confusion, seed):
    predictions = predictions_of(confusion)
    shuffled = predictions.sample(frac=1, random_state=seed)
    for measure in (score_predictions, confusion_shares):
        pd.testing.assert_frame_equal(measure(predictions, INTERVALS), measure(shuffled, INTERVALS))


@given(confusions, st.integers(0, 2), st.integers(2, 5))
@settings(deadline=None, max_examples=20)
def test_repeating_a_class_leaves_balanced_scores_alone(confusion, place, times):
    repeated = confusion.copy()
    repeated[place] *= times
    once, often = (score_predictions(predictions_of(c), INTERVALS) for c in (confusion, repeated))
    np.testing.assert_allclose(once["value"], often["value"])
    assert often["support"].iloc[-1] > once["support"].iloc[-1]


def test_the_interval_of_a_recall_is_that_of_a_binomial_share():
    counts = np.array([[80, 20, 0], [10, 90, 0], [0, 0, 100]])
    table = score_predictions(
        predictions_of(counts), Intervals(n_resamples=4000, confidence=0.95, seed=0)
    ).set_index(["label", "score"])
    low, high = table.loc[("Normal", "recall"), ["low", "high"]]
    # 80 of 100: 1.96 standard errors of 0.04 on either side.
    assert (low, high) == pytest.approx((0.8 - 0.078, 0.8 + 0.078), abs=0.012)
    perfect = table.loc[("Viral Pneumonia", "recall")]
    assert perfect["value"] == perfect["high"] == 1
    assert perfect["low"] == pytest.approx(100 / (100 + 1.96**2), abs=1e-4)


@given(confusions)
@settings(deadline=None, max_examples=20)
def test_bounds_are_in_order_and_between_0_and_1(confusion):
    predictions = predictions_of(confusion)
    for table in (
        score_predictions(predictions, INTERVALS),
        confusion_shares(predictions, INTERVALS),
    ):
        assert (table["low"] <= table["high"]).all()
        assert table["low"].min() >= 0 and table["high"].max() <= 1 + 1e-12


def test_one_seed_gives_one_interval():
    predictions = predictions_of(BY_HAND)
    for measure in (score_predictions, confusion_shares):
        first, again = measure(predictions, INTERVALS), measure(predictions, INTERVALS)
        pd.testing.assert_frame_equal(first, again)
    first = score_predictions(predictions, INTERVALS)
    other = score_predictions(predictions, INTERVALS.model_copy(update={"seed": 5}))
    assert not first["low"].equals(other["low"])


def test_siblings_in_the_test_set_widen_every_interval():
    """As under the published protocol, where augmented images are tested beside their sources."""
    predictions = predictions_of(np.array([[20, 5, 0], [5, 20, 0], [0, 5, 20]]))
    predictions["group_id"] = [f"g{row // 5}" for row in range(len(predictions))]
    for measure in (score_predictions, confusion_shares):
        together = measure(predictions, INTERVALS)
        alone = measure(predictions.drop(columns="group_id"), INTERVALS)
        width = [table["high"] - table["low"] for table in (together, alone)]
        assert (width[0] > width[1]).mean() > 0.8


@given(confusions)
@settings(deadline=None, max_examples=25)
def test_shares_add_up_to_one_in_each_true_class(confusion):
    table = confusion_shares(predictions_of(confusion), INTERVALS)
    np.testing.assert_array_equal(table["count"].to_numpy().reshape(3, 3), confusion)
    sums = table.groupby("label")["share"].sum()
    assert sums.to_list() == pytest.approx([1, 1, 1])


def test_shares_counted_by_hand():
    table = confusion_shares(predictions_of(BY_HAND), INTERVALS)
    assert list(table) == ["label", "predicted", "count", "share", "low", "high"]
    assert list(table["label"]) == [name for name in CLASSES for _ in CLASSES]
    assert list(table["predicted"]) == CLASSES * 3
    expected = [0.75, 0.25, 0, 0.2, 0.8, 0, 0, 0.5, 0.5]
    assert table["share"].to_list() == pytest.approx(expected)


def test_an_empty_class_has_no_shares_and_scores_nothing():
    predictions = predictions_of([[3, 1, 0], [0, 0, 0], [0, 0, 2]])
    shares = confusion_shares(predictions, INTERVALS).set_index("label")
    assert shares.loc["COVID", ["share", "low", "high"]].isna().all(axis=None)
    assert (shares.loc["COVID", "count"] == 0).all()
    assert shares.drop("COVID")["share"].notna().all()
    scores = score_predictions(predictions, INTERVALS).set_index(["label", "score"])
    assert (scores.loc["COVID", ["value", "support"]] == 0).all(axis=None)
    assert scores.loc[("all", "accuracy"), "value"] == pytest.approx((0.75 + 1) / 2)


@pytest.mark.parametrize("measure", [score_predictions, confusion_shares])
def test_what_cannot_be_counted_is_refused(measure):
    predictions = predictions_of(BY_HAND)
    with pytest.raises(ValueError, match="no radiographs of the test split"):
        measure(predictions[predictions["split"] != "test"], INTERVALS)
    with pytest.raises(ValueError, match="without a probability column: COVID"):
        measure(predictions.drop(columns="probability_COVID"), INTERVALS)


def test_accuracy_keeps_leading_axes_and_is_0_without_images():
    stack = np.stack([np.diag([1, 2, 3]), np.ones((3, 3), int), np.zeros((3, 3), int)])
    assert accuracy_score(stack).tolist() == pytest.approx([1, 1 / 3, 0])


# --- Exactly the slow way, cell by cell -----------------------------------------------------------


def slow_draws(confusion, intervals):
    """Samples, then posterior draws, as matrices counted cell by cell from the same generator."""
    rng = np.random.default_rng(intervals.seed)
    draws = np.zeros((2, intervals.n_resamples, *confusion.shape))
    for true, row in enumerate(confusion):
        seen = [kind for kind, count in enumerate(row) if count]
        if seen:
            size, n = row.sum(), intervals.n_resamples
            samples = rng.multinomial(size, row[seen] / size, n)
            weights = rng.standard_gamma(row[seen], (n, len(seen)))
            prior = rng.standard_gamma(1 / len(row), (n, len(row)))
            for number in range(n):
                draws[0, number, true, seen] = samples[number]
                own = prior[number].copy()
                own[seen] += weights[number]
                draws[1, number, true] = own * (size / own.sum())
    return draws


def wilson(hits, n, intervals):
    return tuple(binomtest(int(hits), int(n)).proportion_ci(intervals.confidence, "wilson"))


def slow_scores(confusion, balance):
    """`label, score` to value of one matrix, in plain loops."""
    cells = np.array(confusion, float)
    if balance:
        cells = np.array([row / row.sum() if row.any() else row for row in cells])
    scores = {}
    for i, label in enumerate(CLASSES):
        hits, named, own = cells[i, i], cells[:, i].sum(), cells[i].sum()
        precision, recall = hits / named if named else 0.0, hits / own if own else 0.0
        both = precision + recall
        f1_score = 2 * precision * recall / both if both else 0.0
        scores |= {
            (label, name): value
            for name, value in zip(NAMES, (precision, recall, f1_score), strict=True)
        }
    for name in NAMES:
        scores["all", name] = np.mean([scores[label, name] for label in CLASSES])
    scores["all", "accuracy"] = np.trace(cells) / cells.sum()
    return scores


@given(confusions, st.booleans())
@settings(deadline=None, max_examples=10)
def test_scores_and_bounds_equal_the_slow_way(confusion, balance):
    table = score_predictions(predictions_of(confusion), INTERVALS, balance=balance)
    drawn = [
        [slow_scores(sample, balance) for sample in samples]
        for samples in slow_draws(confusion, INTERVALS)
    ]
    values, natural = slow_scores(confusion, balance), slow_scores(confusion, False)
    for row in table.itertuples():
        place = row.label, row.score
        draws = np.array([[scores[place] for scores in samples] for samples in drawn])
        bounds = interval_of_draws(draws, INTERVALS, min(n for n in confusion.sum(axis=1) if n))
        if row.score == "recall" and row.label in CLASSES:
            true = CLASSES.index(row.label)
            n = confusion[true].sum()
            bounds = wilson(confusion[true, true], n, INTERVALS) if n else (0, 1)
        if row.score == "accuracy" and not balance:
            bounds = wilson(np.trace(confusion), confusion.sum(), INTERVALS)
        assert (row.value, row.natural) == (values[place], natural[place])
        assert (row.low, row.high) == pytest.approx(bounds)


@pytest.mark.parametrize("names", [REPORT_SCORES, FROZEN_SCORES])
def test_wide_scores_are_the_long_ones(names):
    scores = score_predictions(predictions_of(BY_HAND), INTERVALS)
    table = wide_scores(scores, names)
    suffixes = {"": "value", "_low": "low", "_high": "high", "_natural": "natural"}
    assert list(table) == [f"{name}{suffix}" for name in names for suffix in suffixes]
    (row,) = table.to_dict("records")
    long = scores.set_index(["label", "score"])
    for name, place in names.items():
        for suffix, column in suffixes.items():
            assert row[f"{name}{suffix}"] == long.loc[place, column]


def test_table_5_shows_the_means_and_covid():
    assert REPORT_SCORES == {
        "precision": ("all", "precision"), "precision_covid": ("COVID", "precision"),
        "recall": ("all", "recall"), "recall_covid": ("COVID", "recall"),
        "f1_score": ("all", "f1_score"), "f1_score_covid": ("COVID", "f1_score"),
    }  # fmt: skip


# --- Many runs in one table -----------------------------------------------------------------------


def runs_of(**tables):
    """Runs of one backbone by name; those with fewer classes have NaN for the others'."""
    return pd.concat([table.assign(backbone="net", run=run) for run, table in tables.items()])


@pytest.mark.parametrize(
    ("of_runs", "of_one"),
    [(score_runs, score_predictions), (confusion_shares_of_runs, confusion_shares)],
)
def test_each_run_is_scored_as_if_alone(of_runs, of_one):
    two = predictions_of(BY_HAND[:2, :2], CLASSES[:2])
    three = predictions_of(BY_HAND)
    untested = three[three["split"] != "test"]
    table = of_runs(runs_of(z=two, untested=untested, a=three), INTERVALS)
    assert list(table)[:2] == ["backbone", "run"]
    assert list(table["run"].unique()) == ["z", "a"]
    for run, alone in (("z", two), ("a", three)):
        own = table[table["run"] == run].drop(columns=["backbone", "run"])
        pd.testing.assert_frame_equal(own.reset_index(drop=True), of_one(alone, INTERVALS))


def test_runs_without_test_radiographs_leave_the_columns():
    none = runs_of(x=predictions_of(BY_HAND)).query("split != 'test'")
    scores = score_runs(none, INTERVALS, keys=["run"])
    assert list(scores)[:3] == ["run", "label", "score"] and scores.empty
    wide = wide_scores(scores, FROZEN_SCORES)
    assert list(wide)[:2] == ["run", "accuracy"] and wide.empty


def test_a_run_is_a_row_in_the_order_of_the_runs():
    two, three = predictions_of(np.diag([3, 2]), CLASSES[::2]), predictions_of(BY_HAND)
    scores = score_runs(runs_of(z=two, a=three), INTERVALS)
    table = wide_scores(scores, REPORT_SCORES)
    assert table[["backbone", "run"]].to_numpy().tolist() == [["net", "z"], ["net", "a"]]
    assert table["recall"].tolist() == pytest.approx([1, (0.75 + 0.8 + 0.5) / 3])
    # The first run knows no COVID.
    assert np.isnan(table.loc[0, "recall_covid"]) and table.loc[1, "recall_covid"] == 0.8
