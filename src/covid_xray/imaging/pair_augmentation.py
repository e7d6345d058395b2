"""Augmentation of a radiograph with its lung mask (Report B: flips and rotations)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class PairAugmentation:
    """How far a radiograph and its lung mask are moved at most; 0 leaves them where they are.

    Attributes:
        rotation: degrees, either way.
        zoom: share, in or out; below 1.
        shift: share of the side, along each axis, either way.
        gamma: the exponent of the grey levels is drawn between 1 / (1 + gamma) and 1 + gamma.
        flip: whether half of the pairs are mirrored, left to right.
    """

    rotation: float
    zoom: float
    shift: float
    gamma: float
    flip: bool

    def __post_init__(self) -> None:
        """Refuse amplitudes below 0, and a zoom that could shrink a picture to nothing."""
        amplitudes = (self.rotation, self.zoom, self.shift, self.gamma)
        if not (all(0 <= amplitude < np.inf for amplitude in amplitudes) and self.zoom < 1):
            raise ValueError(f"amplitudes must be finite and at least 0, zoom below 1: {self}")


def augment_pair(
    pixels: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    seed: Sequence[int] | int,
    settings: PairAugmentation,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Flip, rotate, zoom and shift a radiograph and its mask together (Report B).

    Both move by one and the same matrix, and each is interpolated once: linearly on black for
    the radiograph, by the nearest pixel for the mask. Gamma then changes the radiograph's grey
    levels between black and white. The result depends on nothing but these arguments.

    Args:
        pixels: uint8 array (height, width).
        mask: 0/1 uint8 array of the same shape.
        seed: the pair's own seed; several numbers, such as epoch and row, make one. Always give
            as many: to numpy, 1 and (1, 0) are the same seed.
        settings: how far the pair is moved.

    Returns:
        The moved radiograph, uint8, and its mask, 0/1 uint8; both (height, width).

    Raises:
        ValueError: where the shapes differ.
    """
    if pixels.shape != mask.shape:
        raise ValueError(f"radiograph {pixels.shape} and mask {mask.shape} differ in shape")
    rng = np.random.default_rng(seed)
    height, width = pixels.shape
    matrix = _draw_movement(rng, (height, width), settings)
    moved = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR)
    moved_mask = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_NEAREST)
    most = np.log1p(settings.gamma)
    levels = _gamma_levels(np.exp(rng.uniform(-most, most)))
    return levels[moved], moved_mask  # type: ignore[return-value]


def _draw_movement(
    rng: np.random.Generator, shape: tuple[int, int], settings: PairAugmentation
) -> _Matrix:
    """Matrix (2, 3) from a pixel's (x, y, 1) to where it goes."""
    height, width = shape
    # Everything is drawn whatever the settings, so that one of them does not change the others.
    flips = bool(rng.random() < 0.5) and settings.flip
    angle = rng.uniform(-settings.rotation, settings.rotation)
    scale = rng.uniform(1 - settings.zoom, 1 + settings.zoom)
    shift = rng.uniform(-settings.shift, settings.shift, 2) * (width, height)
    centre = ((width - 1) / 2, (height - 1) / 2)
    matrix: _Matrix = np.asarray(cv2.getRotationMatrix2D(centre, angle, scale), np.float64)
    matrix[:, 2] += shift
    mirror = np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]]) if flips else np.eye(3)
    return matrix @ mirror


def _gamma_levels(exponent: float) -> NDArray[np.uint8]:
    """Where gamma takes each of the 256 grey levels; black and white stay."""
    levels: NDArray[np.uint8] = np.rint(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return levels
