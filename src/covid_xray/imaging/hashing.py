"""Perceptual hashes and the pairs of images whose hashes nearly agree."""

from __future__ import annotations

from functools import lru_cache

import imagehash
import numpy as np
import scipy.fftpack
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import csr_array

_HASH_BITS = 64
_SIDE, _LOW = 32, 8  # the picture that is transformed, and its low frequencies
_WEIGHT_BITS = 22  # of Pillow's whole-number weights
_ROWS = 512  # shrunk at once: only these take four bytes a pixel
_BLOCK = 2048  # rows compared at once: 2048 x 2048 distances are 32 MB


def perceptual_hash(pixels: NDArray[np.uint8]) -> int:
    """The 64-bit pHash of a radiograph, bit for bit as `imagehash.phash` gives it.

    Its time goes into shrinking, which matrix products do faster for square pictures.

    Args:
        pixels: uint8 array (height, width).

    Returns:
        The hash as an unsigned integer, first bit highest; `f"{value:016x}"` is imagehash's text.
    """
    height, width = pixels.shape
    if height == width:
        small = _shrink(_shrink(pixels))
        low = scipy.fftpack.dct(scipy.fftpack.dct(small, axis=0), axis=1)[:_LOW, :_LOW]
        middle = np.sort(low, axis=None)[31:33]
        bits = low > middle.mean()
    else:  # which side Pillow shrinks first, and so how it rounds, depends on its version
        bits = imagehash.phash(Image.fromarray(pixels)).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _shrink(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (height, width) at (32, height), in the whole numbers of Pillow's Lanczos filter."""
    weights = _lanczos_weights(pixels.shape[1])
    shrunk = np.empty((_SIDE, len(pixels)), np.uint8)
    for top in range(0, len(pixels), _ROWS):
        sums = weights @ pixels[top : top + _ROWS].T.astype(np.int32, order="C")
        rounded = (sums + (1 << (_WEIGHT_BITS - 1))) >> _WEIGHT_BITS
        shrunk[:, top : top + _ROWS] = np.clip(rounded, 0, 255)
    return shrunk


@lru_cache(maxsize=256)
def _lanczos_weights(n_pixels: int) -> csr_array:
    """Weight of each of `n_pixels` in each of 32, in whole numbers as Pillow's; (32, n_pixels)."""
    scale = n_pixels / _SIDE
    stretch = max(scale, 1.0)
    weights = np.zeros((_SIDE, n_pixels), np.int32)
    for row in range(_SIDE):
        centre = (row + 0.5) * scale
        first = max(int(centre - 3 * stretch + 0.5), 0)
        last = min(int(centre + 3 * stretch + 0.5), n_pixels)
        x = (np.arange(first, last) - centre + 0.5) / stretch
        lanczos = np.where((x >= -3) & (x < 3), np.sinc(x) * np.sinc(x / 3), 0.0)
        share = lanczos / lanczos.sum()
        # Towards zero, after a half away from it.
        weights[row, first:last] = share * 2**_WEIGHT_BITS + np.copysign(0.5, share)
    return csr_array(weights)


def near_hash_pairs(
    hashes: NDArray[np.uint64], max_distance: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of hashes at most `max_distance` bits apart.

    Exhaustive, by blocks of XOR and bit counts: 10,000 hashes take well under a second, and
    memory does not grow with their number.

    Args:
        hashes: uint64 array (n,).
        max_distance: largest Hamming distance accepted, 0 to 64 bits.

    Returns:
        Array (n_pairs, 2) of row numbers, first below second, in ascending order; and the
        distances (n_pairs,).
    """
    if not 0 <= max_distance <= _HASH_BITS:
        raise ValueError(f"max_distance is {max_distance}: a 64-bit hash allows 0 to 64")
    starts = range(0, len(hashes), _BLOCK)
    blocks = [
        _near_in_block(hashes, top, left, max_distance)
        for top in starts
        for left in starts[top // _BLOCK :]
    ]
    found = np.concatenate([np.empty((0, 3), np.intp), *blocks])
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    return found[:, :2], found[:, 2]


def _near_in_block(
    hashes: NDArray[np.uint64], top: int, left: int, max_distance: int
) -> NDArray[np.intp]:
    """Row, later row and distance of each near pair of a block, (n_pairs, 3)."""
    upper, lower = hashes[top : top + _BLOCK], hashes[left : left + _BLOCK]
    distance = np.bitwise_count(upper[:, None] ^ lower[None, :])
    near = distance <= max_distance
    if top == left:
        near = np.triu(near, k=1)
    rows, columns = np.nonzero(near)
    return np.column_stack([rows + top, columns + left, distance[near].astype(np.intp)])
