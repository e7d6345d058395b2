"""The backbones of Report A's Table 5: cut, head and weights' files. No Keras is needed here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from covid_xray.parameters import StrictParameters

# One `dense: units` or `dropout: rate`.
HeadLayer = Annotated[
    dict[Literal["dense", "dropout"], Annotated[float, Field(gt=0)]],
    Field(min_length=1, max_length=1),
]


class WeightsError(ValueError):
    """Pre-trained weights that are missing or do not fit; the message names the file."""


def weights_file(keras_name: str, folder: str | Path) -> Path:
    """Where the weights of a backbone lie in a folder of weights."""
    return Path(folder) / f"{keras_name.lower()}_notop.weights.h5"


def missing_weights(*files: Path) -> WeightsError:
    """The error for files of weights that are not there, with the ways out."""
    return WeightsError(
        f"No weights at {', '.join(map(str, files))}. Put them there, or set the parameter "
        "`weights` to 'imagenet' (a download) or to 'none' (random weights); "
        "`modeling.transfer.weights_of` sets those of single backbones."
    )


class Backbone(StrictParameters):
    """A backbone's cut and head (Report A's Table 5).

    Attributes:
        keras_name: name of a model in `keras.applications`.
        report: what the report calls it.
        trainable_layers: number of its last layers that stay trainable; 0 trains the head alone.
        head: layers between pooling and output, each `{dense: units}` or `{dropout: rate}`.
    """

    keras_name: str
    report: str | None = None
    trainable_layers: int = Field(ge=0)
    head: list[HeadLayer]

    @property
    def id(self) -> str:
        """Its name in datasets and tables."""
        return self.keras_name.lower()

    @property
    def report_name(self) -> str:
        """What the report calls it, or else Keras."""
        return self.report or self.keras_name


# Another model of keras.applications joins the pipelines, their figures and Table 5 by an entry.
BACKBONES = (
    Backbone(keras_name="MobileNet", trainable_layers=30, head=[{"dense": 256}, {"dropout": 0.5}]),
    Backbone(
        keras_name="EfficientNetB0",
        report="EfficientNet",
        trainable_layers=3,
        head=[{"dropout": 0.3}, {"dense": 256}, {"dropout": 0.2}],
    ),
    # The report does not describe ResNet's head; these round numbers give its count exactly.
    Backbone(
        keras_name="ResNet50V2",
        report="ResNet",
        trainable_layers=15,
        head=[{"dense": 1024}, {"dense": 512}],
    ),
    Backbone(keras_name="VGG19", trainable_layers=2, head=[{"dropout": 0.5}]),
)
