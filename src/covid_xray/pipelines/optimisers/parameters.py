"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from covid_xray.parameters import StrictParameters
from covid_xray.training.settings import TrainingSettings


class OptimiserParameters(StrictParameters):
    """What an optimiser changes in the training of `modeling`.

    Attributes:
        optimiser: `adam`, `sgd_momentum` (0.9) or `adagrad`.
        learning_rate: its learning rate.
    """

    optimiser: Literal["adam", "sgd_momentum", "adagrad"]
    learning_rate: float = Field(gt=0)

    def applied_to(self, training: TrainingSettings) -> TrainingSettings:
        """The same training under this optimiser."""
        return training.model_copy(update=self.model_dump())
