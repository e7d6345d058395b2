"""Augmentation of radiographs with their lung masks, offline (Report A) and in training (B)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from covid_xray.imaging.arrays import scratch_array
from covid_xray.parameters import StrictParameters
from covid_xray.progress import progress

Images = NDArray[np.uint8]
Amplitude = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Border = Literal["black", "reflect"]
_GREYS = np.arange(256, dtype=np.float64)
# Rows that a thread makes between two looks at the progress bar.
_ROWS_PER_TASK = 32


class Augmentation(StrictParameters):
    """How far a radiograph and its lung mask are changed at most; 0 changes nothing.

    Attributes:
        rotation: degrees, either way.
        zoom: the share of the sides that is seen is drawn between 1 - zoom (in) and 1 + zoom
            (out).
        shift: share of the side, along each axis, either way.
        gamma: the exponent of the grey levels is drawn between 1 / (1 + gamma) and 1 + gamma.
        flip: whether half of the pairs are mirrored, left to right.
        contrast: distances from the mean grey are scaled by 1 to 1 + contrast, as Keras does.
        brightness: share of the grey range that is added, either way.
        border: what comes in from outside: `black`, or the picture mirrored at its edge.
    """

    rotation: Amplitude = 0
    zoom: Amplitude = Field(default=0, lt=1)
    shift: Amplitude = Field(default=0, le=1)
    gamma: Amplitude = 0
    flip: bool = False
    contrast: Amplitude = Field(default=0, le=1)
    brightness: Amplitude = Field(default=0, le=1)
    border: Border = "black"

    @classmethod
    def of_report(cls, n_layers: int, factor: float) -> Augmentation:
        """Report A's augmentation: the first so many of its Keras layers (Table 2).

        Args:
            n_layers: 1 to 4: zoom; and rotation; and contrast; and brightness.
            factor: amplitude of each ("valeur argument"), as Keras understands it: a share of the
                sides, of a full turn, of the contrast, and of the grey range.

        Raises:
            ValueError: for another number of layers, or a factor outside 0 to 1.
        """
        if n_layers not in (1, 2, 3, 4):
            raise ValueError(f"n_layers is {n_layers}: it must be 1 to 4")
        if not 0 <= factor < 1:
            raise ValueError(f"factor is {factor}: it must be at least 0 and below 1")
        zoom, turn, contrast, brightness = [factor] * n_layers + [0.0] * (4 - n_layers)
        return cls(
            zoom=zoom,
            rotation=360 * turn,
            contrast=contrast,
            brightness=brightness,
            border="reflect",
        )


@dataclass(frozen=True)
class Moves:
    """What is done to one pair.

    Attributes:
        seen: share of the sides that is seen: below 1 zooms in.
        angle: degrees by which the picture turns, anticlockwise.
        shift: share of the width to the right, and of the height down.
        mirrored: whether it is mirrored, left to right, before it is moved.
        contrast: factor of distances from the mean grey.
        brightness: share of the grey range that is added.
        exponent: of the grey levels as shares of white.
    """

    seen: float = 1
    angle: float = 0
    shift: tuple[float, float] = (0, 0)
    mirrored: bool = False
    contrast: float = 1
    brightness: float = 0
    exponent: float = 1


def draw_moves(augmentation: Augmentation, seed: int | Sequence[int]) -> Moves:
    """What a seed does; one amplitude does not change what the others draw.

    Args:
        augmentation: the amplitudes.
        seed: the pair's own seed; several numbers, such as epoch and row, make one. Always give
            as many: to numpy, 1 and (1, 0) are the same seed.
    """
    shares = np.random.default_rng(seed).uniform(-1, 1, 8).tolist()
    zoom, rotation, contrast, brightness, right, down, gamma, flip = shares
    return Moves(
        seen=1 + zoom * augmentation.zoom,
        angle=rotation * augmentation.rotation,
        shift=(right * augmentation.shift, down * augmentation.shift),
        mirrored=augmentation.flip and flip < 0,
        contrast=1 + abs(contrast) * augmentation.contrast,
        brightness=brightness * augmentation.brightness,
        exponent=(1 + augmentation.gamma) ** gamma,
    )


def move_pair(
    pixels: Images,
    mask: Images,
    moves: Moves,
    border: Border,
    into: tuple[Images | None, Images | None] = (None, None),
) -> tuple[Images, Images]:
    """Move a radiograph and its mask by one matrix, then change the radiograph's grey levels.

    Each is interpolated once: linearly the radiograph, by the nearest pixel the mask.

    Args:
        pixels: uint8 array (height, width).
        mask: 0/1 uint8 array of the same shape.
        moves: what is done.
        border: what comes in from outside, as in `Augmentation`.
        into: arrays of the same shape and type to write to; new ones if None.

    Returns:
        The radiograph, uint8, and its mask, 0/1 uint8; both (height, width).

    Raises:
        ValueError: where the shapes differ, or the arrays are not what they should be.
    """
    _check_pair(pixels, mask)
    size = (pixels.shape[1], pixels.shape[0])
    matrix = _source_matrix(moves, size)
    if border == "reflect":
        pixels, mask, matrix = _with_mirrored_border(pixels, mask, matrix)
    linear, nearest = (how | cv2.WARP_INVERSE_MAP for how in (cv2.INTER_LINEAR, cv2.INTER_NEAREST))
    moved = cv2.warpAffine(pixels, matrix, size, flags=linear)
    moved_mask = cv2.warpAffine(mask, matrix, size, into[1], flags=nearest)
    levels = _grey_levels(moves, cv2.mean(moved)[0])
    return cv2.LUT(moved, levels, into[0]), moved_mask  # type: ignore[return-value]


def _with_mirrored_border(
    pixels: Images, mask: Images, matrix: NDArray[np.float64]
) -> tuple[Images, Images, NDArray[np.float64]]:
    # OpenCV interpolates in half the time where it meets no border to mirror.
    height, width = pixels.shape
    right, bottom = width - 1, height - 1
    corners = matrix @ np.array([[0, right, 0, right], [0, 0, bottom, bottom], [1, 1, 1, 1]])
    beyond = max(-corners.min(), *(corners.max(axis=1) - (right, bottom)))
    edge = (1 + math.ceil(max(0, beyond)),) * 4
    bordered = (cv2.copyMakeBorder(of, *edge, cv2.BORDER_REFLECT) for of in (pixels, mask))
    return *bordered, matrix + [[0, 0, edge[0]], [0, 0, edge[0]]]


def _check_pair(pixels: Images, mask: Images) -> None:
    if pixels.shape != mask.shape or pixels.ndim != 2:
        raise ValueError(f"radiograph {pixels.shape} and mask {mask.shape} differ in shape")
    if pixels.dtype != np.uint8 or mask.dtype != np.uint8:
        raise ValueError(f"radiograph and mask must be uint8, not {pixels.dtype}, {mask.dtype}")
    if mask.max(initial=0) > 1:
        raise ValueError(f"mask must hold 0 and 1 only, not {mask.max()}")


def _source_matrix(moves: Moves, size: tuple[int, int]) -> NDArray[np.float64]:
    """Matrix (2, 3) from a pixel's (x, y, 1) to the place in the source image that it shows."""
    width, height = size
    angle, mirror = math.radians(moves.angle), -1 if moves.mirrored else 1
    cos, sin = moves.seen * math.cos(angle), moves.seen * math.sin(angle)
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    # A pixel's place is seen from the shifted centre, the source's from the centre itself.
    x, y = centre_x + moves.shift[0] * width, centre_y + moves.shift[1] * height
    return np.array(
        [
            [mirror * cos, -mirror * sin, centre_x - mirror * (cos * x - sin * y)],
            [sin, cos, centre_y - (sin * x + cos * y)],
        ]
    )


def _grey_levels(moves: Moves, mean: float) -> Images:
    """Where contrast, brightness and gamma, in this order, take each of the 256 grey levels."""
    levels = ((_GREYS - mean) * moves.contrast + mean).clip(0, 255)
    levels = (levels + 255 * moves.brightness).clip(0, 255)
    if moves.exponent != 1:
        levels = 255 * (levels / 255) ** moves.exponent
    return np.rint(levels).astype(np.uint8)


def augment_pair(
    pixels: Images, mask: Images, seed: int | Sequence[int], augmentation: Augmentation
) -> tuple[Images, Images]:
    """One augmented radiograph and its lung mask, which depend on nothing but these arguments.

    Args:
        pixels: the source image, uint8 (height, width).
        mask: its lung mask, 0/1 uint8 of the same shape; all 0 where there is none.
        seed: the pair's own seed, as in `draw_moves`.
        augmentation: how far the pair is changed at most.

    Returns:
        The augmented radiograph, uint8, and its mask, 0/1 uint8; both (height, width).

    Raises:
        ValueError: where the shapes differ, or the arrays are not what they should be.
    """
    return move_pair(pixels, mask, draw_moves(augmentation, seed), augmentation.border)


def augment_radiographs(
    images: Images,
    masks: Images,
    source_rows: Sequence[int],
    seeds: Sequence[int],
    augmentation: Augmentation,
    *,
    workers: int | None = None,
    scratch_folder: Path | None = None,
) -> tuple[Images, Images]:
    """All augmented radiographs with their lung masks, on disk until they are saved.

    Args:
        images: uint8 array (n, height, width).
        masks: 0/1 uint8 array of the same shape.
        source_rows: row of `images` of each augmented radiograph's source image.
        seeds: seed of each.
        augmentation: how far they are changed at most.
        workers: threads, which change no pixel; as many as the processors if None.
        scratch_folder: where they are built; the system's temporary folder if None.

    Returns:
        The augmented radiographs, uint8 (len(seeds), height, width), and their masks, 0/1.

    Raises:
        ValueError: if `source_rows` and `seeds` differ in length, or as `augment_pair` does.
    """
    if len(source_rows) != len(seeds):
        raise ValueError(f"source_rows has {len(source_rows)} rows and seeds {len(seeds)}")
    shape = (len(seeds), *images.shape[1:])
    augmented, moved_masks = (scratch_array(shape, np.uint8, scratch_folder) for _ in range(2))

    def augment(start: int) -> None:
        for row in range(start, min(start + _ROWS_PER_TASK, len(seeds))):
            source = source_rows[row]
            moves = draw_moves(augmentation, seeds[row])
            # Written where they belong: copies would take a third of the time.
            into = (np.asarray(augmented[row]), np.asarray(moved_masks[row]))
            move_pair(images[source], masks[source], moves, augmentation.border, into)

    starts = range(0, len(seeds), _ROWS_PER_TASK)
    with _cv2_threads(1), ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for _ in progress(pool.map(augment, starts), "Augmenting radiographs", len(starts)):
            pass
    return augmented, moved_masks  # type: ignore[return-value]


@contextmanager
def _cv2_threads(n_threads: int) -> Iterator[None]:
    # OpenCV's own threads would compete with ours for the same processors.
    before = cv2.getNumThreads()
    cv2.setNumThreads(n_threads)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
