"""A feature's values by class, and why a test of them can say nothing (Report A, Annex 6).

An obstacle is the reason in words, or empty where the test can run.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Groups = dict[str, NDArray[np.float64]]
"""Values (n,) of each class, by name."""
NOT_FINITE = "the values are infinite, or too large or too small to compute with"


@contextmanager
def quiet() -> Iterator[None]:
    """Silence for what numpy and scipy would warn of: it ends up as words in a note."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def values_by_class(frame: pd.DataFrame, feature: str) -> Groups:
    """The values of each class that are not missing, classes sorted by name.

    Raises:
        KeyError: the feature is not in the frame.
    """
    groups = {
        str(label): values.dropna().to_numpy(np.float64)
        for label, values in frame.groupby("label", observed=True)[feature]
    }
    # groupby keeps the order of a categorical's categories; statsmodels sorts by name.
    return dict(sorted(groups.items()))


def with_values(groups: Groups, fewest: int = 1) -> Groups:
    """The classes that have so many values."""
    return {label: values for label, values in groups.items() if len(values) >= fewest}


def is_constant(values: NDArray[np.float64], scale: float | None = None) -> bool:
    """Whether values differ by no more than rounding, which a test would call significant."""
    largest = np.abs(values).max() if scale is None else scale
    return bool(np.isfinite(largest) and np.ptp(values) <= 1e-12 * largest)


def obstacle_to_means(groups: Groups) -> str:
    """Why nothing can be compared between the classes."""
    filled = with_values(groups)
    if not filled:
        return "no values"
    if len(filled) == 1:
        return f"only {next(iter(filled))} has values, and at least 2 classes are needed"
    constant = is_constant(np.concatenate(list(filled.values())))
    return "the feature is constant" if constant else ""


def obstacle_to_anova(groups: Groups) -> str:
    """Why the means of the classes cannot be compared with the variance within them."""
    obstacle = obstacle_to_means(groups)
    if not obstacle and not with_values(groups, fewest=2):
        return "no class has more than 1 value"
    if not obstacle and all(map(is_constant, with_values(groups).values())):
        return "no variance within any class"
    return obstacle


def run_test(obstacle: str, test: Callable[[], Sequence[float]]) -> tuple[Sequence[float], str]:
    """The figures of a test and an empty note, or none and why: an obstacle, or not finite."""
    figures = () if obstacle else test()
    if not obstacle and np.isfinite(figures).all():
        return figures, ""
    return (), not_testable(obstacle)


def not_testable(obstacle: str) -> str:
    """The note of figures that are missing; without an obstacle they were not finite."""
    return f"not testable: {obstacle or NOT_FINITE}"


def left_out(groups: Groups) -> str:
    """Words on the classes without values; empty where all have some."""
    empty = [f"{label} (no values)" for label, values in groups.items() if not len(values)]
    return f"left out: {', '.join(empty)}" if empty else ""


def too_few(groups: Groups, fewest: int) -> str:
    """Words on the classes that have fewer values than are needed; empty without such classes."""
    few = sizes_below(groups, fewest)
    needed = f"at least {fewest} {'is' if fewest == 1 else 'are'} needed"
    return f"{' and '.join(few)}, and {needed}" if few else ""


def sizes_below(groups: Groups, fewest: int) -> list[str]:
    """Words on each class that has fewer values than are needed."""
    words = {0: "no values", 1: "1 value"}
    sizes = {label: len(values) for label, values in groups.items() if len(values) < fewest}
    return [f"{label} has {words.get(size, f'{size} values')}" for label, size in sizes.items()]


def no_variance(groups: Groups) -> str:
    """Words on the classes whose values are all equal; empty without such classes."""
    constant = [label for label, values in groups.items() if is_constant(values)]
    return " and ".join(f"{label} has no variance" for label in constant)
