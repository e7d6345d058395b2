"""A network's start: the weights that each of its trainings begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from covid_xray.records import digest
from covid_xray.training.fitting import compile_classifier
from covid_xray.training.settings import TrainingSettings


class Start:
    """Trains a network many times from the same weights, compiled once.

    Args:
        model: the network as each training is to begin with it; trained in place.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._values = _values(model.variables)
        self._compiled_for: tuple[str, float] | None = None

    def digest(self) -> str:
        """A fingerprint of the weights."""
        return digest(*self._values)

    def again(self, settings: TrainingSettings) -> keras.Model:
        """The network as it was at first, compiled for a training.

        Args:
            settings: hyper-parameters.
        """
        model = self.model
        if self._compiled_for != (settings.optimiser, settings.learning_rate):
            compile_classifier(model, settings)
            model.optimizer.build(model.trainable_variables)
            self._optimiser_values = _values(model.optimizer.variables)
            self._compiled_for = (settings.optimiser, settings.learning_rate)
        # Dropout's random state is among the variables; those of metrics come behind.
        _assign(model.variables[: len(self._values)], self._values)
        _assign(model.optimizer.variables, self._optimiser_values)
        return model


def _values(variables: Sequence[Any]) -> list[NDArray[np.generic]]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: Sequence[Any], values: Sequence[NDArray[np.generic]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
