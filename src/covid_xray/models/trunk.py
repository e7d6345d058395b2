"""The cut between a classifier's frozen trunk and its trainable tail.

Frozen layers give the same activations in every epoch, for every
class weight, fold and optimiser. They are computed once, and only the tail is trained, on the
very layers (and so the very weights) of the whole classifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream
from covid_xray.records import Record, digest, make_record


class ActivationError(ValueError):
    """Activations that nothing can be trained on."""


@dataclass(frozen=True)
class CutClassifier:
    """A classifier seen as two models that share its layers.

    Attributes:
        whole: the classifier.
        trunk: from radiographs to the tensors that cross the cut (one, or ResNet50V2's two).
        tail: from these tensors to class probabilities.
    """

    whole: keras.Model
    trunk: keras.Model
    tail: keras.Model

    @property
    def crossing_shapes(self) -> list[tuple[int, ...]]:
        """Shape of each tensor that crosses the cut, without the batch."""
        return [tuple(tensor.shape[1:]) for tensor in self.tail.inputs]

    def join(self, tensors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """One flat row per image out of the tensors that cross the cut."""
        return np.concatenate([tensor.reshape(len(tensor), -1) for tensor in tensors], axis=1)

    def part(
        self, rows: NDArray[np.generic]
    ) -> NDArray[np.float32] | tuple[NDArray[np.float32], ...]:
        """What the tail takes, out of flat rows of `trunk_features`: a tensor or several."""
        bounds = np.cumsum([np.prod(shape, dtype=int) for shape in self.crossing_shapes])[:-1]
        pieces = np.split(np.asarray(rows, dtype=np.float32), bounds, axis=1)
        shapes = self.crossing_shapes
        tensors = tuple(
            piece.reshape(-1, *shape) for piece, shape in zip(pieces, shapes, strict=True)
        )
        return tensors[0] if len(tensors) == 1 else tensors


def cut_classifier(classifier: keras.Model) -> CutClassifier:
    """Cut a classifier between its frozen and its trainable layers.

    Args:
        classifier: flat functional model whose frozen layers all come before the others.
    """
    trunk_layers = [layer for layer in classifier.layers if not layer.trainable]
    tail_layers = [layer for layer in classifier.layers if layer.trainable]
    made_by_trunk = {
        id(tensor) for layer in trunk_layers for tensor in keras.tree.flatten(layer.output)
    }
    used_by_tail = [tensor for layer in tail_layers for tensor in keras.tree.flatten(layer.input)]
    crossing = {id(tensor): tensor for tensor in used_by_tail if id(tensor) in made_by_trunk}
    # `fit` takes several inputs as a tuple only.
    tensors = tuple(crossing.values())
    return CutClassifier(
        classifier,
        trunk=keras.Model(classifier.inputs[0], tensors, name=f"{classifier.name}_trunk"),
        tail=keras.Model(
            tensors[0] if len(tensors) == 1 else tensors,
            classifier.outputs[0],
            name=f"{classifier.name}_tail",
        ),
    )


def trunk_features(
    cut: CutClassifier, batches: Iterable[NDArray[np.uint8]], n_images: int, dtype: str
) -> RowStream:
    """The trunk's activations, batch by batch.

    Args:
        cut: the classifier, cut.
        batches: radiographs, uint8 arrays (batch, side, side), `n_images` in all.
        n_images: number of radiographs.
        dtype: `float32`, or `float16` for half the disk at 0.1 % of precision.

    Returns:
        Array (n_images, features): the crossing tensors of each image, flattened and joined.

    Raises:
        ActivationError: when an activation is not a finite number (while the stream is read).
    """
    width = sum(int(np.prod(shape)) for shape in cut.crossing_shapes)

    def activations() -> Iterator[NDArray[np.generic]]:
        name = cut.whole.name
        for pixels in batches:
            # Inference mode: under `fit`, stochastic depth is active even in frozen layers.
            tensors = cut.trunk.predict_on_batch(pixels[..., None].astype("float32"))
            joined = cut.join(keras.tree.flatten(tensors)).astype(dtype)
            if not np.isfinite(joined).all():
                raise ActivationError(
                    f"The trunk of {name} gives activations that are not finite {dtype} numbers. "
                    "Look for NaN in its weights, or keep activations as float32 "
                    "(transfer.feature_dtype)."
                )
            yield joined

    return RowStream((n_images, width), dtype, activations())


def trunk_record(cut: CutClassifier, dtype: str) -> Record:
    """What activations depend on besides the radiographs: layers, weights, type and Keras itself.

    Layer names count for nothing: Keras numbers them anew in every process.
    """
    layers = [
        (type(layer).__name__, {k: v for k, v in layer.get_config().items() if k != "name"})
        for layer in cut.trunk.layers
    ]
    return make_record(
        backbone=cut.whole.name,
        cut=str(cut.crossing_shapes),
        input_side=cut.whole.get_layer("resizing").height,
        layers=digest(repr(layers).encode()),
        weights=digest(*(np.asarray(weight) for weight in cut.trunk.weights)),
        dtype=dtype,
        keras=keras.__version__,
    )
