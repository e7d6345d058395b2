"""Agreement of masks: counted by hand, and against scipy's own distance of point sets."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import directed_hausdorff

from covid_xray.evaluation.intervals import Intervals, mean_interval
from covid_xray.evaluation.overlap import (
    OVERLAP_SCORES,
    dice,
    hausdorff_distance,
    intersection_over_union,
    overlap_scores,
    pixel_accuracy,
    summarise_overlap,
)

INTERVALS = Intervals(n_resamples=200, confidence=0.9, seed=7)
SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(1, 15), st.integers(1, 15))
NAN = float("nan")


def random_masks(seed, shape, share=0.5):
    """Two masks of one shape; either may be empty."""
    rng = np.random.default_rng(seed)
    return (rng.random((2, *shape)) < share * rng.random((2, 1, 1))).astype(np.uint8)


def box(shape, rows, columns):
    mask = np.zeros(shape, np.uint8)
    mask[slice(*rows), slice(*columns)] = 1
    return mask


EMPTY = np.zeros((4, 4), np.uint8)
LEFT, TOP = box((4, 4), (0, 4), (0, 2)), box((4, 4), (0, 2), (0, 4))

# --- Scores of a pair -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predicted", "true", "accuracy", "dice_", "iou", "hausdorff"),
    [
        # 8 pixels each, 4 common, 12 in the union; outside both, 4. The lower left and the upper
        # right quarter are each 2 pixels deep.
        pytest.param(LEFT, TOP, 8 / 16, 8 / 16, 4 / 12, 2, id="half"),
        pytest.param(LEFT, LEFT, 1, 1, 1, 0, id="perfect"),
        pytest.param(EMPTY, LEFT, 0.5, 0, 0, NAN, id="empty prediction"),
        pytest.param(LEFT, EMPTY, 0.5, 0, 0, NAN, id="empty truth"),
        pytest.param(EMPTY, EMPTY, 1, 1, 1, 0, id="both empty"),
        # One corner pixel against all: 1 of 16; the far corner is 3 rows and 3 columns away.
        pytest.param(
            box((4, 4), (0, 1), (0, 1)), EMPTY + 1, 1 / 16, 2 / 17, 1 / 16, 18**0.5, id="corner"
        ),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.bool_])
def test_scores_counted_by_hand(predicted, true, accuracy, dice_, iou, hausdorff, dtype):
    scores = overlap_scores(predicted.astype(dtype), true.astype(dtype))
    assert tuple(scores) == OVERLAP_SCORES
    expected = [accuracy, dice_, iou, hausdorff]
    assert list(scores.values()) == pytest.approx(expected, nan_ok=True)
    assert {type(score) for score in scores.values()} == {float}


@pytest.mark.parametrize(("down", "right"), [(0, 3), (5, 0), (3, 4), (0, 0)])
def test_the_hausdorff_distance_of_a_shift_is_the_shift(down, right):
    square = box((20, 20), (2, 8), (3, 9))
    shifted = box((20, 20), (2 + down, 8 + down), (3 + right, 9 + right))
    assert hausdorff_distance(shifted, square) == pytest.approx(np.hypot(down, right))


def test_the_hausdorff_distance_sees_the_farther_of_both_ways():
    part, whole = box((3, 30), (0, 3), (0, 5)), box((3, 30), (0, 3), (0, 25))
    # Every pixel of the part lies in the whole, whose last column is 20 away from the part.
    assert hausdorff_distance(part, whole) == hausdorff_distance(whole, part) == 20


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=100)
def test_the_hausdorff_distance_is_that_of_sets_of_pixels(seed, shape):
    one, other = random_masks(seed, shape, share=0.3)
    one[0, -1] = other[-1, 0] = 1
    places, other_places = np.argwhere(one), np.argwhere(other)
    slow = max(
        directed_hausdorff(places, other_places)[0], directed_hausdorff(other_places, places)[0]
    )
    assert hausdorff_distance(one, other) == slow


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=100)
def test_dice_accuracy_and_iou_are_those_of_sets_of_pixels(seed, shape):
    one, other = random_masks(seed, shape)
    pixels, other_pixels = ({tuple(place) for place in np.argwhere(mask)} for mask in (one, other))
    either = pixels | other_pixels
    common = len(pixels & other_pixels)
    assert pixel_accuracy(one, other) == pytest.approx(1 - (len(either) - common) / one.size)
    assert intersection_over_union(one, other) == (common / len(either) if either else 1)
    assert dice(one, other) == (2 * common / (len(pixels) + len(other_pixels)) if either else 1)


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=100)
def test_scores_are_symmetric_and_dice_follows_from_iou(seed, shape):
    one, other = random_masks(seed, shape)
    scores = overlap_scores(one, other)
    assert overlap_scores(other, one) == pytest.approx(scores, nan_ok=True)
    assert scores["dice"] == pytest.approx(2 * scores["iou"] / (1 + scores["iou"]))


def test_masks_without_any_pixel_agree():
    nothing = np.zeros((0, 4), np.uint8)
    assert list(overlap_scores(nothing, nothing).values()) == [1, 1, 1, 0]


@pytest.mark.parametrize(
    "score", [pixel_accuracy, dice, intersection_over_union, hausdorff_distance, overlap_scores]
)
def test_masks_of_different_shapes_are_refused(score):
    with pytest.raises(ValueError, match=r"\(4, 4\).*\(1, 4\)"):
        score(EMPTY, EMPTY[:1])


# --- Summary of many pairs ------------------------------------------------------------------------


def score_table(*rows):
    """Scores whose pixel accuracy, Dice and IoU follow from one number."""
    return pd.DataFrame(
        [
            (method, label, value, value / 2, value / 4, hausdorff)
            for method, label, value, hausdorff in rows
        ],
        columns=["method", "label", *OVERLAP_SCORES],
    )


SCORES = score_table(
    ("u_net", "Normal", 0.9, 4),
    ("u_net", "COVID", 0.6, NAN),
    ("classical", "COVID", 0.5, NAN),
    ("u_net", "COVID", 0.8, 6),
    ("classical", "Normal", 0.7, NAN),
    ("u_net", "Normal", 0.5, 10),
    ("classical", "COVID", 0.1, NAN),
)


def pick(table, method, label, score):
    return table.set_index(["method", "label", "score"]).loc[(method, label, score)]


def test_every_method_class_and_score_has_a_row_in_order():
    table = summarise_overlap(SCORES, INTERVALS)
    assert list(zip(table["method"], table["label"], table["score"], strict=True)) == [
        (method, label, score)
        for method in ("u_net", "classical")
        for label in ("COVID", "Normal", "all")
        for score in OVERLAP_SCORES
    ]


@pytest.mark.parametrize("method", ["u_net", "classical"])
@pytest.mark.parametrize("score", ["pixel_accuracy", "dice", "iou"])
def test_means_and_intervals_are_those_of_the_pairs(method, score):
    table = summarise_overlap(SCORES, INTERVALS)
    of_method = SCORES[SCORES["method"] == method]
    for label in ("COVID", "Normal", "all"):
        pairs = of_method if label == "all" else of_method[of_method["label"] == label]
        values = pairs[score].to_numpy()
        row = pick(table, method, label, score)
        assert row["mean"] == pytest.approx(np.sum(values) / len(values))
        assert (row["low"], row["high"]) == mean_interval(values, INTERVALS)
        assert (row["n_pairs"], row["note"]) == (len(values), "")


def test_an_undefined_distance_is_only_counted():
    table = summarise_overlap(SCORES, INTERVALS)
    row = pick(table, "u_net", "all", "hausdorff")
    assert row["mean"] == pytest.approx((4 + 6 + 10) / 3)
    bounds = mean_interval(np.array([4.0, 6, 10]), INTERVALS, (0, 11))
    assert (row["low"], row["high"]) == bounds
    assert (row["n_pairs"], row["note"]) == (3, "undefined for 1 empty mask")
    one_left = pick(table, "u_net", "COVID", "hausdorff")
    assert one_left[["mean", "n_pairs"]].tolist() == [6, 1]
    assert one_left["low"] < 6 < one_left["high"]


@pytest.mark.parametrize(("label", "masks"), [("COVID", "2 empty masks"), ("all", "3 empty masks")])
def test_where_every_distance_is_undefined_the_note_says_so(label, masks):
    row = pick(summarise_overlap(SCORES, INTERVALS), "classical", label, "hausdorff")
    assert row[["mean", "low", "high"]].isna().all()
    assert (row["n_pairs"], row["note"]) == (0, f"not testable: undefined for {masks}")


def test_a_class_that_a_method_never_saw_has_no_pairs():
    table = summarise_overlap(SCORES.query("method == 'u_net' or label == 'COVID'"), INTERVALS)
    for score in OVERLAP_SCORES:
        row = pick(table, "classical", "Normal", score)
        assert np.isnan(row["mean"])
        assert (row["n_pairs"], row["note"]) == (0, "not testable: no pairs of masks")


def test_categories_of_labels_and_methods_change_nothing():
    as_categories = SCORES.assign(
        label=pd.Categorical(SCORES["label"], ["Normal", "Viral", "COVID"]),
        method=pd.Categorical(SCORES["method"], ["classical", "u_net"]),
    )
    pd.testing.assert_frame_equal(
        summarise_overlap(as_categories, INTERVALS), summarise_overlap(SCORES, INTERVALS)
    )


def test_without_pairs_the_summary_keeps_its_columns():
    table = summarise_overlap(SCORES.iloc[:0], INTERVALS)
    assert table.empty
    assert list(table) == ["method", "label", "score", "mean", "low", "high", "n_pairs", "note"]
