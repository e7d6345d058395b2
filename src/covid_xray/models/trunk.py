"""The cut between a classifier's frozen trunk and its trainable tail.

Frozen layers give the same activations in every epoch, for every
class weight, fold and optimiser. They are computed once, and only the tail is trained, on the
very layers (and so the very weights) of the whole classifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream
from covid_xray.progress import progress


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

    def part(self, rows: NDArray[np.generic]) -> NDArray[np.float32] | list[NDArray[np.float32]]:
        """What the tail takes, out of flat rows of `trunk_features`: a tensor or several."""
        bounds = np.cumsum([np.prod(shape, dtype=int) for shape in self.crossing_shapes])[:-1]
        pieces = np.split(np.asarray(rows, dtype=np.float32), bounds, axis=1)
        shapes = self.crossing_shapes
        tensors = [piece.reshape(-1, *shape) for piece, shape in zip(pieces, shapes, strict=True)]
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
    tensors = list(crossing.values())
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
    cut: CutClassifier,
    images: NDArray[np.uint8],
    augmented_images: NDArray[np.uint8],
    is_augmented: NDArray[np.bool_],
    rows: NDArray[np.intp],
    *,
    batch_size: int,
    dtype: str,
) -> RowStream:
    """The trunk's activations for a row list, batch by batch.

    Args:
        cut: the classifier, cut.
        images: uint8 array (n, side, side).
        augmented_images: uint8 array (m, side, side).
        is_augmented: for each wanted row, whether it is one of `augmented_images`.
        rows: for each wanted row, its number in its array.
        batch_size: images per pass.
        dtype: `float32`, or `float16` for half the disk at 0.1 % of precision.

    Returns:
        Array (len(rows), features): the crossing tensors of each image, flattened and joined.
    """
    width = sum(int(np.prod(shape)) for shape in cut.crossing_shapes)

    def batches() -> Iterator[NDArray[np.generic]]:
        starts = range(0, len(rows), batch_size)
        for start in progress(starts, f"Trunk of {cut.whole.name}", len(starts)):
            batch = slice(start, start + batch_size)
            pixels = gather_rows(images, augmented_images, is_augmented[batch], rows[batch])
            # Inference mode: under `fit`, stochastic depth is active even in frozen layers.
            tensors = cut.trunk.predict_on_batch(pixels[..., None].astype("float32"))
            yield cut.join(keras.tree.flatten(tensors)).astype(dtype)

    return RowStream((len(rows), width), dtype, batches())


def gather_rows(
    images: NDArray[np.uint8],
    augmented_images: NDArray[np.uint8],
    is_augmented: NDArray[np.bool_],
    rows: NDArray[np.intp],
) -> NDArray[np.uint8]:
    """The pixels of a row list over the two arrays, uint8 (len(rows), side, side)."""
    gathered = np.empty((len(rows), *images.shape[1:]), np.uint8)
    gathered[~is_augmented] = images[rows[~is_augmented]]
    gathered[is_augmented] = augmented_images[rows[is_augmented]]
    return gathered
