"""COVID against the rest: against scikit-learn, Report B's own tables, and counted by hand."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from covid_xray.evaluation.intervals import Intervals, proportion_interval
from covid_xray.evaluation.metrics import average_precision_of_counts, roc_auc_of_counts
from covid_xray.evaluation.predictions import predicted_classes, probability_column
from covid_xray.evaluation.screening_scores import (
    SCREENING_SCORES,
    choose_threshold,
    operating_point,
    score_screening,
    screening_scores,
    screening_view,
)

INTERVALS = Intervals(n_resamples=120, confidence=0.9, seed=2)
SEEDS = st.integers(0, 2**32 - 1)
CLASSES = ["Normal", "COVID", "Viral Pneumonia", "Lung_Opacity"]
SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))
AREAS = ("roc_auc", "pr_auc", "balanced_accuracy")


def random_answers(seed, n_positive, n_negative, levels=8):
    """Truth, decision and score, with many ties; the decision does not follow from the score."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.arange(n_positive + n_negative) < n_positive)
    score = (rng.integers(0, levels, truth.size) + truth) / levels / 2
    return truth, rng.random(truth.size) < 0.2 + 0.6 * truth, score


def table_of(truth, decision, score, split="test"):
    """Predictions of two classes."""
    return pd.DataFrame({
        "image_id": [f"{split}-{i}" for i in range(len(truth))],
        "split": split,
        "label": np.where(truth, "COVID", "non-COVID"),
        "predicted": np.where(decision, "COVID", "non-COVID"),
        probability_column("COVID"): score,
        probability_column("non-COVID"): 1 - np.asarray(score),
    })  # fmt: skip


def random_predictions(seed, n=40):
    """Predictions of four classes on three splits, each radiograph of the likeliest class."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4), n)
    table = pd.DataFrame({
        "image_id": [f"image-{i}" for i in range(n)],
        "split": rng.choice(["train", "validation", "test"], n),
        "label": rng.choice(CLASSES, n),
        "predicted": [CLASSES[place] for place in probabilities.argmax(axis=1)],
    })  # fmt: skip
    names = [probability_column(name) for name in CLASSES]
    return table.assign(**dict(zip(names, probabilities.T, strict=True)))


# --- One view of two classes and of four ----------------------------------------------------------


def test_the_view_of_four_classes_is_that_of_the_two_they_make():
    four = random_predictions(0)
    two = four.drop(columns=[probability_column(c) for c in CLASSES if c != "COVID"])
    two = two.assign(**{"probability_non-COVID": 1 - two["probability_COVID"]})
    for column in ("label", "predicted"):
        two[column] = two[column].where(two[column] == "COVID", "non-COVID")
    assert predicted_classes(two) == ["COVID", "non-COVID"]
    pd.testing.assert_frame_equal(screening_view(four), screening_view(two))


@pytest.mark.parametrize("positive", ["COVID", "Viral Pneumonia"])
def test_the_view_says_what_its_rows_say(positive):
    predictions = random_predictions(1)
    view = screening_view(predictions, positive)
    told = ["image_id", "split", "group_id", "is_positive", "predicted_positive", "score"]
    assert list(view) == told
    for seen, row in zip(view.to_dict("records"), predictions.to_dict("records"), strict=True):
        assert (seen["image_id"], seen["split"]) == (row["image_id"], row["split"])
        assert seen["is_positive"] == (row["label"] == positive)
        assert seen["predicted_positive"] == (row["predicted"] == positive)
        assert seen["score"] == row[f"probability_{positive}"]


def test_the_view_has_plain_types_whatever_the_table_has():
    predictions = random_predictions(2).astype(
        {"label": "category", "predicted": "category", "probability_COVID": "float32"}
    )
    types = screening_view(predictions).dtypes[["is_positive", "predicted_positive", "score"]]
    assert list(types) == [np.bool_, np.bool_, np.float64]


def test_what_has_no_score_is_refused_by_name():
    predictions = random_predictions(3)
    lacking = predictions.drop(columns="probability_COVID")
    unknown = predictions.assign(probability_COVID=[np.nan, *[0.5] * 39])
    for measure in (screening_view, lambda table: score_screening(table, INTERVALS)):
        with pytest.raises(ValueError, match="no column probability_COVID"):
            measure(lacking)
        with pytest.raises(ValueError, match="probability_COVID is NaN for 1 "):
            measure(unknown)
    # Not a class, though a column of that name exists.
    with pytest.raises(ValueError, match="no column probability_split"):
        screening_view(predictions, "split")


# --- Scores ---------------------------------------------------------------------------------------


@given(SEEDS, SIZES)
@settings(deadline=None, max_examples=25)
def test_scores_equal_those_of_scikit_learn(seed, sizes):
    truth, decision, score = random_answers(seed, *sizes)
    expected = [
        accuracy_score(truth, decision),
        balanced_accuracy_score(truth, decision),
        recall_score(truth, decision),
        precision_score(truth, decision, zero_division=0),
        f1_score(truth, decision, zero_division=0),
        roc_auc_score(truth, score),
        average_precision_score(truth, score),
    ]
    scores = screening_scores(truth, decision, score)
    assert scores == pytest.approx(dict(zip(SCREENING_SCORES, expected, strict=True)))
    assert tuple(scores) == SCREENING_SCORES
    assert {type(value) for value in scores.values()} == {float}


def test_scores_of_the_published_confusion_matrix():
    # Report B, Xception: 361 COVID, of which 24 are missed, and 1754 others, 23 taken for COVID.
    truth = np.repeat([True, False], [361, 1754])
    decision = np.concatenate([np.arange(361) < 337, np.arange(1754) < 23])
    scores = screening_scores(truth, decision, decision.astype(float))
    rounded = {name: round(score, 2) for name, score in scores.items()}
    assert [rounded[name] for name in ("precision", "recall", "f1_score", "accuracy")] == [
        0.94, 0.93, 0.93, 0.98,
    ]  # fmt: skip
    assert round(100 * scores["accuracy"], 2) == 97.78


def test_areas_counted_by_hand():
    truth = np.array([True, False, True, True, False])
    score = np.array([0.9, 0.7, 0.7, 0.2, 0.1])
    scores = screening_scores(truth, score > 0.5, score)
    # Of six pairs the first positive wins two, the tied one one and a half, the last one one.
    assert scores["roc_auc"] == pytest.approx(4.5 / 6)
    assert scores["pr_auc"] == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


@pytest.mark.parametrize("truth", [[True] * 4, [False] * 4])
def test_one_side_alone_has_no_areas(truth):
    decision = np.array([True, False, False, False])
    scores = screening_scores(np.array(truth), decision, np.arange(4.0))
    assert all(np.isnan(scores[name]) for name in AREAS)
    right = 1 if truth[0] else 3
    assert scores["accuracy"] == right / 4
    assert scores["recall"] == scores["precision"] * 0.25 == (0.25 if truth[0] else 0)


def test_nothing_predicted_positive_has_precision_0():
    truth = np.array([True, False, True])
    scores = screening_scores(truth, np.zeros(3, bool), np.array([0.2, 0.1, 0.4]))
    assert scores["precision"] == scores["recall"] == scores["f1_score"] == 0
    assert scores["balanced_accuracy"] == 0.5 and scores["roc_auc"] == 1


@given(SEEDS, SIZES, st.integers(2, 9))
@settings(deadline=None, max_examples=25)
def test_areas_of_counts_equal_scikit_learn_with_weights(seed, sizes, levels):
    truth, _, score = random_answers(seed, *sizes, levels=levels)
    weights = np.random.default_rng(seed).integers(0, 4, (5, truth.size))
    weights[:, [truth.argmax(), truth.argmin()]] += 1
    counts = np.zeros((5, 2, levels + 1), np.int64)
    for radiograph in range(truth.size):
        # Highest score first; scores without a radiograph are left in.
        place = levels - round(score[radiograph] * levels * 2)
        counts[:, int(truth[radiograph]), place] += weights[:, radiograph]
    for area, theirs in (
        (roc_auc_of_counts, roc_auc_score),
        (average_precision_of_counts, average_precision_score),
    ):
        expected = [theirs(truth, score, sample_weight=weight) for weight in weights]
        np.testing.assert_allclose(area(counts), expected)


@pytest.mark.parametrize("area", [roc_auc_of_counts, average_precision_of_counts])
def test_areas_keep_leading_axes_and_are_nan_for_one_side(area):
    perfect, no_positives, no_negatives = [[0, 3], [2, 0]], [[1, 3], [0, 0]], [[0, 0], [2, 1]]
    stack = np.array([[perfect, no_positives], [no_negatives, perfect]])
    np.testing.assert_array_equal(area(stack), [[1, np.nan], [np.nan, 1]])


# --- Intervals ------------------------------------------------------------------------------------


def test_the_test_split_alone_is_scored():
    answers = random_answers(4, 9, 14)
    row = score_screening(table_of(*answers), INTERVALS)
    expected = screening_scores(*answers)
    assert {name: row[name] for name in SCREENING_SCORES} == pytest.approx(expected)
    assert (row["n_test"], row["n_positive"]) == (23, 9)
    bounded = [f"{name}{end}" for name in SCREENING_SCORES for end in ("", "_low", "_high")]
    assert list(row) == [*bounded, "n_test", "n_positive"]
    others = table_of(*random_answers(5, 30, 3), split="validation")
    assert score_screening(pd.concat([others, table_of(*answers)]), INTERVALS) == row


def test_any_class_can_be_the_one_that_is_looked_for():
    predictions = random_predictions(15, n=90)
    own = predictions[predictions["split"] == "test"]
    row = score_screening(predictions, INTERVALS, positive="Normal")
    assert row["n_positive"] == (own["label"] == "Normal").sum()
    assert row["roc_auc"] == roc_auc_score(own["label"] == "Normal", own["probability_Normal"])


def test_intervals_hold_those_of_drawing_with_replacement_and_little_more():
    truth, decision, score = random_answers(6, 30, 50, levels=5)
    row = score_screening(
        table_of(truth, decision, score), INTERVALS.model_copy(update={"n_resamples": 3000})
    )
    rng = np.random.default_rng(1)
    sides = [np.flatnonzero(truth), np.flatnonzero(~truth)]
    slow = []
    for _ in range(200):
        drawn = np.concatenate([rng.choice(side, side.size) for side in sides])
        slow.append(list(screening_scores(truth[drawn], decision[drawn], score[drawn]).values()))
    lows, highs = np.quantile(slow, [0.05, 0.95], axis=0)
    for name, low, high in zip(SCREENING_SCORES, lows, highs, strict=True):
        if name in ("accuracy", "recall"):
            continue  # shares of radiographs, whose intervals are Wilson's
        assert low - 0.06 < row[f"{name}_low"] < low + 0.03
        assert high - 0.03 < row[f"{name}_high"] < high + 0.06


@given(SEEDS, SIZES)
@settings(deadline=None, max_examples=25)
def test_the_area_of_a_decision_is_the_balanced_accuracy(seed, sizes):
    truth, decision, _ = random_answers(seed, *sizes)
    row = score_screening(table_of(truth, decision, decision.astype(float)), INTERVALS)
    assert row["roc_auc"] == pytest.approx(row["balanced_accuracy"])


def test_equal_scores_tell_nothing_whatever_is_decided():
    truth, decision, _ = random_answers(7, 5, 15)
    row = score_screening(table_of(truth, decision, np.full(20, 0.4)), INTERVALS)
    assert (row["roc_auc"], row["pr_auc"]) == pytest.approx((0.5, 0.25))
    for name in ("roc_auc", "pr_auc", "recall"):
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_a_perfect_answer_leaves_doubt_below():
    truth = np.arange(30) % 3 == 0
    row = score_screening(table_of(truth, truth, 0.3 + 0.4 * truth), INTERVALS)
    for name in SCREENING_SCORES:
        assert row[name] == 1
        assert row[f"{name}_high"] == pytest.approx(1)
        assert 0.5 < row[f"{name}_low"] < 0.99


@given(SEEDS, SIZES)
@settings(deadline=None, max_examples=12)
def test_only_the_order_of_scores_counts(seed, sizes):
    predictions = table_of(*random_answers(seed, *sizes))
    row = score_screening(predictions, INTERVALS)
    bent = predictions.assign(probability_COVID=predictions["probability_COVID"] ** 3 + 5)
    shuffled = predictions.sample(frac=1, random_state=seed)
    assert score_screening(bent, INTERVALS) == pytest.approx(row)
    assert score_screening(shuffled, INTERVALS) == pytest.approx(row)
    bounds = [(row[f"{name}_low"], row[f"{name}_high"]) for name in SCREENING_SCORES]
    assert all(0 <= low <= high <= 1 + 1e-12 for low, high in bounds)


def test_seed_and_confidence_decide_the_intervals():
    predictions = table_of(*random_answers(8, 40, 60))
    names = [f"{name}{end}" for name in SCREENING_SCORES for end in ("_low", "_high")]
    first, again, other, wider = (
        np.array(
            [
                score_screening(predictions, INTERVALS.model_copy(update=options))[name]
                for name in names
            ]
        )
        for options in ({}, {}, {"seed": 3}, {"confidence": 0.99})
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (wider[::2] < first[::2]).all() and (wider[1::2] > first[1::2]).all()


def test_more_samples_than_are_scored_at_a_time_are_all_used():
    predictions = table_of(*random_answers(9, 8, 12))
    # Of one sample and one draw, the bounds are these; of 251, they reach to the outermost two.
    single = score_screening(predictions, INTERVALS.model_copy(update={"n_resamples": 1}))
    many = score_screening(predictions, Intervals(n_resamples=251, confidence=0.9999999, seed=0))
    assert many["roc_auc_low"] < single["roc_auc_low"]
    assert many["roc_auc_high"] > single["roc_auc_high"]
    assert many["roc_auc_low"] < 0.9 * many["roc_auc"] and many["roc_auc_high"] > many["roc_auc"]


@pytest.mark.parametrize("truth", [True, False])
def test_bounds_of_a_score_that_is_nan_are_nan(truth):
    _, decision, score = random_answers(10, 6, 6)
    row = score_screening(table_of(np.full(12, truth), decision, score), INTERVALS)
    assert all(np.isnan(row[f"{name}{end}"]) for name in AREAS for end in ("", "_low", "_high"))
    assert row["accuracy_low"] < row["accuracy_high"]
    assert row["n_positive"] == 12 * truth


def test_intervals_of_240_radiographs_take_below_two_seconds():
    rng = np.random.default_rng(11)
    truth = np.arange(240) < 60
    predictions = table_of(truth, truth ^ (rng.random(240) < 0.1), rng.random(240))
    score_screening(predictions, INTERVALS)
    start = time.process_time()
    score_screening(predictions, INTERVALS.model_copy(update={"n_resamples": 2000}))
    assert time.process_time() - start < 2


# --- A threshold for a wanted sensitivity ---------------------------------------------------------


def share_found(truth, score, threshold):
    found = [s >= threshold for t, s in zip(truth, score, strict=True) if t]
    return sum(found) / len(found)


@given(SEEDS, SIZES, st.floats(0.01, 1))
@settings(deadline=None, max_examples=100)
def test_the_threshold_finds_enough_and_no_higher_one_does(seed, sizes, sensitivity):
    truth, _, score = random_answers(seed, *sizes)
    threshold = choose_threshold(truth, score, sensitivity)
    assert share_found(truth, score, threshold) >= sensitivity
    higher = [np.nextafter(threshold, np.inf), *score[score > threshold]]
    assert all(share_found(truth, score, other) < sensitivity for other in higher)


@given(SEEDS, SIZES, st.floats(0.01, 1))
@settings(deadline=None, max_examples=50)
def test_the_threshold_ignores_negatives(seed, sizes, sensitivity):
    truth, _, score = random_answers(seed, *sizes)
    threshold = choose_threshold(truth, score, sensitivity)
    assert choose_threshold(truth, np.exp(3 * score) - 7, sensitivity) == pytest.approx(
        np.exp(3 * threshold) - 7
    )
    negatives = np.where(truth, score, 1 - score)
    assert choose_threshold(truth, negatives, sensitivity) == threshold
    assert choose_threshold(truth, score, sensitivity / 2) >= threshold


@pytest.mark.parametrize("n", [3, 7, 10, 20, 49])
def test_a_share_that_can_be_reached_exactly_is(n):
    scores = np.arange(n, 0, -1.0)
    for found in range(1, n + 1):
        assert choose_threshold(np.ones(n, bool), scores, found / n) == n + 1 - found


def test_a_threshold_needs_a_positive_and_a_sensitivity():
    with pytest.raises(ValueError, match="no positive"):
        choose_threshold(np.zeros(3, bool), np.arange(3.0), 0.9)
    for sensitivity in (0, -0.1, 1.01, float("nan")):
        with pytest.raises(ValueError, match="above 0 and up to 1"):
            choose_threshold(np.ones(3, bool), np.arange(3.0), sensitivity)


def point_of(validation, test, sensitivity=0.75, **options):
    """The operating point of truths and scores of two splits."""
    tables = [
        table_of(np.array(truth), np.zeros(len(truth), bool), score, split)
        for split, (truth, score) in {"validation": validation, "test": test}.items()
    ]
    return operating_point(
        pd.concat(tables), INTERVALS.model_copy(update=options), sensitivity=sensitivity
    )


VALIDATION = [1, 1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.4, 0.2, 0.5, 0.3, 0.1]
TEST = [1, 1, 0, 0, 0, 0, 0], [0.4, 0.3, 0.9, 0.39, 0.2, 0.1, 0]


def test_an_operating_point_counted_by_hand():
    point = point_of(VALIDATION, TEST)
    assert list(point) == [
        "threshold", "wanted_sensitivity", "validation_sensitivity", "validation_specificity",
        "sensitivity", "sensitivity_low", "sensitivity_high",
        "specificity", "specificity_low", "specificity_high",
        "n_validation_positive", "n_positive", "n_negative",
    ]  # fmt: skip
    assert (point["threshold"], point["wanted_sensitivity"]) == (0.4, 0.75)
    assert point["validation_sensitivity"] == 0.75
    assert point["validation_specificity"] == pytest.approx(2 / 3)
    assert point["sensitivity"] == 0.5
    assert point["specificity"] == pytest.approx(4 / 5)
    assert [point[f"n_{side}"] for side in ("validation_positive", "positive", "negative")] == [
        4, 2, 5,
    ]  # fmt: skip


def test_the_threshold_ignores_the_test_split():
    point = point_of(VALIDATION, ([1, 0], [0.05, 0.95]))
    assert (point["threshold"], point["validation_sensitivity"]) == (0.4, 0.75)
    assert (point["sensitivity"], point["specificity"]) == (0, 0)


def test_the_operating_point_is_that_of_the_wanted_class():
    predictions = random_predictions(12, n=200)
    point = operating_point(predictions, INTERVALS, sensitivity=0.8, positive="Normal")
    own = predictions[predictions["split"] == "test"]
    found = own["probability_Normal"] >= point["threshold"]
    assert point["sensitivity"] == pytest.approx(found[own["label"] == "Normal"].mean())
    assert point["specificity"] == pytest.approx((~found)[own["label"] != "Normal"].mean())
    assert point["validation_sensitivity"] >= 0.8


def test_intervals_of_rates_are_those_of_binomial_shares():
    truth = np.repeat([1, 0], [100, 400])
    score = np.concatenate([np.arange(100) < 80, np.arange(400) < 40]).astype(float)
    point = point_of(([1], [1.0]), (truth, score), n_resamples=4000, confidence=0.95)
    for name, share, error in (("sensitivity", 0.8, 0.04), ("specificity", 0.9, 0.015)):
        bounds = point[f"{name}_low"], point[f"{name}_high"]
        assert point[name] == pytest.approx(share)
        assert bounds == pytest.approx((share - 1.96 * error, share + 1.96 * error), abs=error / 3)


def test_a_rate_of_no_radiographs_is_nan():
    point = point_of(([1], [0.5]), ([0, 0], [0.1, 0.7]))
    rates = ("validation_specificity", "sensitivity", "sensitivity_low", "sensitivity_high")
    assert all(np.isnan(point[name]) for name in rates)
    bounds = proportion_interval(1, 2, INTERVALS)
    assert point["specificity"] == 0.5
    assert (point["specificity_low"], point["specificity_high"]) == bounds
    assert (point["n_positive"], point["n_negative"]) == (0, 2)


def test_one_seed_gives_one_operating_point():
    truth, _, score = random_answers(13, 40, 60)
    first, again = (point_of((truth, score), (truth, score)) for _ in range(2))
    assert first == again


def test_a_split_without_radiographs_is_named():
    predictions = table_of(*random_answers(14, 3, 4))
    validation = predictions.assign(split="validation")
    with pytest.raises(ValueError, match="no radiographs of the test split"):
        score_screening(validation, INTERVALS)
    with pytest.raises(ValueError, match="no radiographs of the test split"):
        operating_point(validation, INTERVALS, sensitivity=0.9)
    with pytest.raises(ValueError, match="no radiographs of the validation split"):
        operating_point(predictions, INTERVALS, sensitivity=0.9)
    healthy = validation.assign(label="non-COVID")
    with pytest.raises(ValueError, match="no positive"):
        operating_point(pd.concat([predictions, healthy]), INTERVALS, sensitivity=0.9)


def test_siblings_in_the_test_set_widen_the_intervals():
    truth, decision, score = random_answers(14, 40, 60)
    together = table_of(truth, decision, score).sort_values("label", ignore_index=True)
    together["group_id"] = [f"g{row // 5}" for row in range(len(together))]
    alone = together.assign(group_id=[f"g{row}" for row in range(len(together))])
    of_groups, of_images = (score_screening(table, INTERVALS) for table in (together, alone))
    for name in SCREENING_SCORES:
        assert of_groups[name] == of_images[name]
    widths = [
        [row[f"{name}_high"] - row[f"{name}_low"] for name in SCREENING_SCORES]
        for row in (of_groups, of_images)
    ]
    assert np.mean(np.divide(*widths)) > 1
