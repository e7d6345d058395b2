"""Perceptual hashes and the pairs of images whose hashes nearly agree."""

from __future__ import annotations

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

_HASH_BITS = 64
_BLOCK = 2048  # rows compared at once: 2048 x 2048 distances are 32 MB


def perceptual_hash(pixels: NDArray[np.uint8]) -> int:
    """The 64-bit pHash of a radiograph, as `imagehash.phash` gives it.

    Args:
        pixels: uint8 array (height, width).

    Returns:
        The hash as an unsigned integer, first bit highest; `f"{value:016x}"` is imagehash's text.
    """
    bits = imagehash.phash(Image.fromarray(pixels)).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


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
