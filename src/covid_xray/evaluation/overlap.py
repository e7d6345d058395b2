"""Agreement of a predicted lung mask with the true one.

Dice (Dice, 1945), intersection over union (Jaccard), pixel accuracy and Hausdorff distance; the
mean of each over pairs of masks carries a 95 % interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals, mean_interval

OVERLAP_SCORES = ("pixel_accuracy", "dice", "iou", "hausdorff")
_COLUMNS = ["method", "label", "score", "mean", "low", "high", "n_pairs", "note"]

# Scores take 0/1 uint8 or bool.
_Mask = NDArray[np.uint8] | NDArray[np.bool_]


def pixel_accuracy(predicted: _Mask, true: _Mask) -> float:
    """Share of pixels, inside and outside the lungs, on which two masks agree.

    Args:
        predicted: 0/1 array (height, width), uint8 or bool.
        true: array of the same shape.

    Raises:
        ValueError: where the shapes differ.
    """
    one, other = _as_bool(predicted, true)
    return _share(int((one == other).sum()), one.size)


def dice(predicted: _Mask, true: _Mask) -> float:
    """Twice the common area over the sum of both areas (Dice, 1945): 1 for two empty masks.

    Args:
        predicted: 0/1 array (height, width), uint8 or bool.
        true: array of the same shape.

    Raises:
        ValueError: where the shapes differ.
    """
    one, other = _as_bool(predicted, true)
    return _share(2 * int((one & other).sum()), int(one.sum()) + int(other.sum()))


def intersection_over_union(predicted: _Mask, true: _Mask) -> float:
    """Common area over the area of the union (Jaccard's index): 1 for two empty masks.

    Args:
        predicted: 0/1 array (height, width), uint8 or bool.
        true: array of the same shape.

    Raises:
        ValueError: where the shapes differ.
    """
    one, other = _as_bool(predicted, true)
    return _share(int((one & other).sum()), int((one | other).sum()))


def hausdorff_distance(predicted: _Mask, true: _Mask) -> float:
    """Largest distance, in pixels, from a pixel of either mask to the nearest of the other.

    Args:
        predicted: 0/1 array (height, width), uint8 or bool.
        true: array of the same shape.

    Returns:
        0 for two empty masks; NaN where one alone is empty, and there is no distance to it.

    Raises:
        ValueError: where the shapes differ.
    """
    # Here, because scikit-image takes a while to load and every kedro command imports this file.
    from skimage.metrics import hausdorff_distance as distance_of_sets

    distance = float(distance_of_sets(*_as_bool(predicted, true)))  # type: ignore[no-untyped-call]
    return distance if np.isfinite(distance) else float("nan")


def overlap_scores(predicted: _Mask, true: _Mask) -> dict[str, float]:
    """All of `OVERLAP_SCORES` for one pair of 0/1 masks (height, width), by name."""
    functions = (pixel_accuracy, dice, intersection_over_union, hausdorff_distance)
    return {
        name: score(predicted, true) for name, score in zip(OVERLAP_SCORES, functions, strict=True)
    }


def summarise_overlap(scores: pd.DataFrame, intervals: Intervals) -> pd.DataFrame:
    """Mean of every score per method and class, with its 95 % interval.

    A Hausdorff distance that is not defined is left out of the mean, and the note counts it.

    Args:
        scores: one row per method and pair of masks: `method, label` and `OVERLAP_SCORES`.
        intervals: of the scores.

    Returns:
        One row per method (in the order of their first rows), label (each class by name, then
        `all`) and score: `method, label, score, mean, low, high, n_pairs, note`; `n_pairs`
        counts the pairs behind the mean, and `note` is `not testable: ` and the reason where
        there are none.
    """
    rows = []
    classes = sorted(scores["label"].unique())
    for method, own in scores.groupby("method", sort=False, observed=True):
        groups = {label: own[own["label"] == label] for label in classes} | {"all": own}
        rows += [
            {"method": method, "label": label, "score": score}
            | _summarise(score, group[score].to_numpy(np.float64), intervals)
            for label, group in groups.items()
            for score in OVERLAP_SCORES
        ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _summarise(score: str, values: NDArray[np.float64], intervals: Intervals) -> dict[str, Any]:
    """Mean, interval, number of pairs behind them, and note of one score."""
    defined = values[~np.isnan(values)]
    n_undefined = len(values) - len(defined)
    masks = "mask" if n_undefined == 1 else "masks"
    note = f"undefined for {n_undefined} empty {masks}" if n_undefined else ""
    if not len(defined):
        return {"n_pairs": 0, "note": f"not testable: {note or 'no pairs of masks'}"}
    # A distance has no highest value: a pixel more than the largest one stands for it.
    highest = defined.max() + 1 if score == "hausdorff" else 1
    low, high = mean_interval(defined, intervals, (0, highest))
    mean = float(defined.mean())
    return {"mean": mean, "low": low, "high": high, "n_pairs": len(defined), "note": note}


def _as_bool(predicted: _Mask, true: _Mask) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    # `~` of a uint8 mask is 255 and 254, not its complement.
    if predicted.shape != true.shape:
        raise ValueError(f"masks of different shapes: {predicted.shape} and {true.shape}")
    return predicted.astype(np.bool_), true.astype(np.bool_)


def _share(part: int, whole: int) -> float:
    # Two masks without a pixel to disagree on agree.
    return part / whole if whole else 1.0
