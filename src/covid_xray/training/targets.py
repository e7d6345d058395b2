"""Labels as training takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.absence import CannotMakeError


class OneClassError(CannotMakeError):
    """A study has fewer than two classes, of which a network would always be right."""


def class_names(rows: pd.DataFrame) -> list[str]:
    """The classes of a row list, in the order of the model's outputs.

    Raises:
        OneClassError: if there are fewer than two.
    """
    classes: list[str] = sorted(rows["label"].unique())
    if len(classes) < 2:
        raise OneClassError(
            f"the study has one class, {', '.join(classes)}: there is nothing to tell apart."
        )
    return classes


def one_hot(labels: pd.Series, classes: Sequence[str]) -> NDArray[np.float32]:
    """Labels as a float32 array (n, n_classes)."""
    codes = pd.Categorical(labels, categories=list(classes)).codes
    targets: NDArray[np.float32] = np.eye(len(classes), dtype=np.float32)[codes]
    return targets


def weights_in_order(weights: Mapping[str, float], classes: Sequence[str]) -> list[float]:
    """Weight of each class, 1 where none is given.

    Raises:
        ValueError: if a weight is not a positive number.
    """
    for name, weight in weights.items():
        if not isinstance(weight, int | float) or weight <= 0:
            raise ValueError(f"modeling.class_weights: {name} weighs {weight!r}, not above 0.")
    return [weights.get(name, 1.0) for name in classes]
