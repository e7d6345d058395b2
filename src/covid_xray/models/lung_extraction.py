"""Lung extraction inside a Keras graph: what is deployed takes a radiograph as it is (Report B).

The layers do what `imaging.lung_masks` and `imaging.equalisation` do to arrays, bit for bit, so a
classifier trained on extracted arrays sees the same pixels when it is deployed. Loading a model
made of them needs this module imported first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from covid_xray.imaging.equalisation import EqualisationSettings, check_tiles
from covid_xray.imaging.lung_masks import N_LUNGS
from covid_xray.models.transfer_classifiers import copy_classifier

_GREYS = 256
_Tiles = NDArray[np.int32]
# In each turn of the loop, each jump doubles how far a label has travelled.
_JUMPS = 3


def build_lung_extractor(unet: keras.Model, settings: EqualisationSettings) -> keras.Model:
    """A model that leaves of a radiograph nothing but its equalised lungs (Report B).

    Args:
        unet: U-Net from grey radiographs (n, side, side, 1), 0-255, to lung probabilities of the
            same shape. The extractor has a frozen copy of it.
        settings: how radiographs are equalised; the U-Net sees them raw.

    Returns:
        A model "lung_extractor" from grey radiographs (n, side, side, 1), 0-255, to the same with
        0 outside the lungs. Layer `lung_mask` has the cleaned 0/1 masks.

    Raises:
        ValueError: if `clahe` can't cut the U-Net's side into whole tiles.
    """
    radiograph = keras.Input(unet.inputs[0].shape[1:], name="radiograph")
    frozen = copy_classifier(unet)
    frozen.trainable = False
    # A U-Net that was read from a file gives its one output in a list.
    (probabilities,) = keras.tree.flatten(frozen(radiograph, training=False))
    mask = CleanLungMask(name="lung_mask")(probabilities)
    equalised = radiograph
    if settings.method != "none":
        equalised = Equalisation(**settings.model_dump(), name="equalised")(radiograph)
    lungs = keras.layers.Multiply(name="lungs_only")([equalised, mask])
    return keras.Model(radiograph, lungs, name="lung_extractor")


def build_screening_model(classifier: keras.Model, extractor: keras.Model) -> keras.Model:
    """The lung extractor and the classifier behind it in one: what is deployed (Report B).

    Args:
        classifier: from extracted lungs (n, side, side, 1), grey 0-255, to probabilities.
        extractor: what `build_lung_extractor` gives, with the settings that the classifier was
            trained with. Both are shared, not copied.

    Returns:
        A model "<classifier>_screening" from grey radiographs (n, side, side, 1), 0-255, to the
        classifier's probabilities.
    """
    radiograph = keras.Input(extractor.input_shape[1:], name="radiograph")
    probabilities = classifier(extractor(radiograph))
    return keras.Model(radiograph, probabilities, name=f"{classifier.name}_screening")


class _PictureLayer(keras.layers.Layer):
    """A layer from pictures of a known size, (n, height, width, 1), to others of the same size."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # XLA scatters on one core, and compiles anew for every size of a batch. It would also join
        # a product and a sum into one rounding, where OpenCV rounds twice.
        self.supports_jit = False

    def build(self, input_shape: Sequence[Any]) -> None:
        """Refuse pictures whose size is not known."""
        if None in input_shape[1:3]:
            raise ValueError(
                f"An input of shape {input_shape} has no size: build it for a known side."
            )

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Sequence[Any]:
        """The input's."""
        return input_shape


@keras.saving.register_keras_serializable(package="covid_xray")
class CleanLungMask(_PictureLayer):
    """`imaging.lung_masks.clean_lung_mask` for every mask of a batch, bit for bit.

    It takes lung probabilities or 0/1 masks (n, height, width, 1), lung above one half, and gives
    0/1 float32 masks: the two largest 8-connected components, without holes.
    """

    def call(self, masks: Any) -> Any:
        """Clean the masks (n, height, width, 1)."""
        # Turned upside down, a component's last pixel is the one where it starts: the largest
        # number is the first in order.
        turned = ops.flip(masks[..., 0] > 0.5, axis=(1, 2))
        cleaned = ops.flip(_fill_holes(_keep_largest(turned)), axis=(1, 2))
        return ops.expand_dims(ops.cast(cleaned, "float32"), -1)


@keras.saving.register_keras_serializable(package="covid_xray")
class Equalisation(_PictureLayer):
    """`imaging.equalisation.equalise` for every radiograph of a batch, bit for bit.

    It takes grey radiographs (n, height, width, 1), rounds them to 0-255, and gives equalised
    ones, whole numbers in float32, of the same shape. Rounding follows OpenCV's: in float32, in
    its order, half to even.
    """

    def __init__(
        self, method: str = "global", clip_limit: float = 2.0, tiles: int = 8, **kwargs: Any
    ) -> None:
        """Take `imaging.equalisation.EqualisationSettings`, but refuse `none` with a ValueError."""
        super().__init__(**kwargs)
        if method == "none":
            raise ValueError("Equalisation has no method 'none': leave the layer out.")
        self._settings = EqualisationSettings.model_validate(
            {"method": method, "clip_limit": clip_limit, "tiles": tiles}
        )

    def build(self, input_shape: Sequence[Any]) -> None:
        """Refuse radiographs whose size is not known, or that have no whole tiles."""
        super().build(input_shape)
        check_tiles(self._settings, *input_shape[1:3])

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {**super().get_config(), **self._settings.model_dump()}

    def call(self, radiographs: Any) -> Any:
        """Equalise the radiographs (n, height, width, 1)."""
        greys = ops.cast(ops.clip(ops.round(radiographs[..., 0]), 0, _GREYS - 1), "int32")
        if self._settings.method == "global":
            return ops.expand_dims(_equalise_globally(greys), -1)
        return ops.expand_dims(_equalise_tiles(greys, self._settings), -1)


def _keep_largest(masks: Any) -> Any:
    """The two largest 8-connected components of each mask (n, height, width), bool, turned."""
    n, height, width = ops.shape(masks)
    labels = _label_components(masks, corners_touch=True)

    def of_components(reduce: Any, values: Any) -> Any:
        """One number for each label, and so for each pixel; label 0 is the background."""
        values = ops.broadcast_to(ops.cast(values, "int32"), (n, height, width))
        reduced = reduce(_flat(values), _flat(labels), num_segments=n * height * width + 1)
        return ops.reshape(reduced[1:], (n, height * width))

    area = of_components(ops.segment_sum, 1)
    # In the turned mask, the top is the last row and the left the last column.
    left = of_components(ops.segment_max, np.arange(width))
    place = np.arange(height * width, dtype=np.int32)
    order = [area, width * (place // width) + left, place]
    kept = ops.zeros_like(area, dtype="bool")
    for _ in range(N_LUNGS):
        largest = (area > 0) & ~kept
        # Where the first order does not decide, the next does.
        for ranks in order:
            own = ops.where(largest, ranks, -1)
            largest = largest & (own == ops.max(own, axis=1, keepdims=True))
        kept = kept | largest
    return ops.take(ops.pad(_flat(kept), [(1, 0)]), labels)


def _fill_holes(masks: Any) -> Any:
    """Fill what cannot reach the border of each mask (n, height, width), bool."""
    # A margin joins all of the outside; its last pixel has the largest number of all.
    background = ops.pad(~masks, [(0, 0), (1, 1), (1, 1)], constant_values=True)
    labels = _label_components(background, corners_touch=False)
    return (labels != labels[:, -1:, -1:])[:, 1:-1, 1:-1]


def _label_components(masks: Any, *, corners_touch: bool) -> Any:
    """Number each pixel by the last of its component: from 1 through the batch, 0 outside.

    From bool to int32 (n, height, width). Trees of labels are joined and shortened in turn
    (Shiloach & Vishkin, J. Algorithms, 1982): a spiral takes a few turns, not one for each pixel.
    """
    n, height, width = ops.shape(masks)
    n_pixels = n * height * width
    numbers = ops.reshape(ops.arange(1, n_pixels + 1, dtype="int32"), (-1, height, width))

    def look_around(labels: Any) -> Any:
        across = _largest_of_three(labels, axis=2)
        down = _largest_of_three(across if corners_touch else labels, axis=1)
        return ops.where(masks, ops.maximum(across, down), 0)

    def differ(labels: Any, near: Any) -> Any:
        return ops.any(labels != near)

    def join(labels: Any, near: Any) -> tuple[Any, Any]:
        # All pixels of a label take the largest that any of them touches; and as a label is a pixel
        # too, they follow that pixel's own.
        parents = ops.segment_max(_flat(near), _flat(labels), num_segments=n_pixels + 1)
        parents = ops.maximum(parents, ops.pad(_flat(labels), [(1, 0)]))
        for _ in range(_JUMPS):
            parents = ops.take(parents, parents)
        joined = ops.take(parents, labels)
        return joined, look_around(joined)

    alone = ops.where(masks, numbers, 0)
    labels, _ = ops.while_loop(differ, join, (alone, look_around(alone)))
    return labels


def _largest_of_three(labels: Any, axis: int) -> Any:
    """Each label or its neighbour's before or behind it; max-pooling would need floats."""
    padded = ops.pad(labels, [(int(place == axis),) * 2 for place in range(3)])
    before, behind = (
        padded[(slice(None),) * axis + (part,)] for part in (slice(None, -2), slice(2, None))
    )
    return ops.maximum(ops.maximum(before, labels), behind)


def _equalise_globally(greys: Any) -> Any:
    """`cv2.equalizeHist` of each radiograph (n, height, width), int32; float32."""
    n, height, width = ops.shape(greys)
    entries = _GREYS * ops.reshape(ops.arange(n, dtype="int32"), (-1, 1, 1)) + greys
    counted = ops.cumsum(_histograms(entries, n), axis=1)
    darkest = ops.min(ops.where(counted > 0, counted, height * width), axis=1, keepdims=True)
    rest = height * width - darkest
    scale = 255.0 / ops.cast(ops.maximum(rest, 1), "float32")
    levels = ops.round(ops.cast(counted - darkest, "float32") * scale)
    # OpenCV leaves a radiograph of a single grey as it is.
    levels = ops.where(rest == 0, np.arange(_GREYS, dtype=np.float32), levels)
    return ops.take(levels, entries)


def _histograms(entries: Any, n_histograms: Any) -> Any:
    """Count the entries, 256 times the number of a histogram plus a grey: (n_histograms, 256)."""
    flat = _flat(entries)
    counts = ops.segment_sum(ops.ones_like(flat), flat, num_segments=n_histograms * _GREYS)
    return ops.reshape(counts, (-1, _GREYS))


def _equalise_tiles(greys: Any, settings: EqualisationSettings) -> Any:
    """OpenCV's CLAHE of each radiograph (n, height, width), int32; float32."""
    n, height, width = ops.shape(greys)
    tiles = settings.tiles
    first = tiles**2 * ops.reshape(ops.arange(n, dtype="int32"), (-1, 1, 1))

    def entries(rows: _Tiles, columns: _Tiles) -> Any:
        return _GREYS * (first + (tiles * rows[:, None] + columns)) + greys

    own = (np.arange(side, dtype=np.int32) // (side // tiles) for side in (height, width))
    area = (height // tiles) * (width // tiles)
    histograms = _histograms(entries(*own), n * tiles**2)
    levels = _clahe_levels(histograms, settings.clip_limit, area)
    top, bottom, down = _tiles_around(height, tiles)
    left, right, across = _tiles_around(width, tiles)
    upper, lower = (
        ops.take(levels, entries(rows, left)) * (1 - across)
        + ops.take(levels, entries(rows, right)) * across
        for rows in (top, bottom)
    )
    return ops.round(upper * (1 - down)[:, None] + lower * down[:, None])


def _clahe_levels(histograms: Any, clip_limit: float, area: int) -> Any:
    """Where each tile takes each grey: float32 (n, 256), from histograms of `area` pixels."""
    limit = max(int(clip_limit * area / _GREYS), 1)
    clipped = ops.sum(ops.maximum(histograms - limit, 0), axis=1, keepdims=True)
    shared, rest = clipped // _GREYS, clipped % _GREYS
    # What is left after equal shares goes to greys at equal steps, one each, from black on.
    step = ops.maximum(_GREYS // ops.maximum(rest, 1), 1)
    greys = np.arange(_GREYS, dtype=np.int32)
    extra = ops.cast((greys % step == 0) & (greys // step < rest), "int32")
    counted = ops.cumsum(ops.minimum(histograms, limit) + shared + extra, axis=1)
    scale = np.float32(255) / np.float32(area)
    return ops.minimum(ops.round(ops.cast(counted, "float32") * scale), 255.0)


def _tiles_around(side: int, tiles: int) -> tuple[_Tiles, _Tiles, NDArray[np.float32]]:
    """For each pixel along a side: the tiles whose centres it lies between, and how far."""
    # In float32, and times the inverse, as OpenCV does.
    inverse = np.float32(1) / np.float32(side // tiles)
    place = np.arange(side, dtype=np.float32) * inverse - np.float32(0.5)
    before = np.floor(place)
    first, last = np.maximum(before, 0), np.minimum(before + 1, tiles - 1)
    return first.astype(np.int32), last.astype(np.int32), place - before


def _flat(tensor: Any) -> Any:
    return ops.reshape(tensor, (-1,))
