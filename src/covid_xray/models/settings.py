"""Settings of a training, in plain Python: reading them loads no Keras."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingSettings:
    """Hyper-parameters of a training.

    Attributes:
        learning_rate: Adam's learning rate.
        batch_size: images per step.
        epochs: largest number of epochs.
        patience: epochs without a better validation loss before training stops.
        seed: seed of shuffling and dropout.
    """

    learning_rate: float
    batch_size: int
    epochs: int
    patience: int
    seed: int
