"""Duplicate radiographs by Report A's rule (section Analyse de similarité, SSIM et Hash).

The report compares every two images of a class by SSIM at 50x50, keeps pairs of at least 0.8,
and confirms them with a perceptual hash. Both conditions must hold, so their order is free:
comparing hashes first and computing SSIM only for the few candidates finds the same pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from covid_xray.imaging.hashing import near_hash_pairs
from covid_xray.imaging.resizing import resize_radiograph
from covid_xray.progress import progress


def structural_similarity_at(
    first: NDArray[np.uint8], second: NDArray[np.uint8], side: int
) -> float:
    """SSIM of two radiographs after resizing both to `side` (Wang et al., IEEE TIP 2004).

    Args:
        first: uint8 array (height, width).
        second: uint8 array (height, width).
        side: common size in pixels; the report's is 50.

    Returns:
        -1 (anti-correlated) to 1 (equal).
    """
    both = (resize_radiograph(pixels, side) for pixels in (first, second))
    return float(structural_similarity(*both, data_range=255))  # type: ignore[no-untyped-call]


def find_similar_pairs(
    images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    hashes: NDArray[np.uint64],
    *,
    side: int,
    min_ssim: float,
    max_hash_distance: int,
) -> pd.DataFrame:
    """Pairs of radiographs that satisfy both halves of the report's rule.

    Args:
        images: n uint8 arrays (height, width); a memory map is read only where candidates are.
        hashes: uint64 array (n,), the perceptual hash of each image.
        side: side at which SSIM is computed, in pixels.
        min_ssim: lowest SSIM of a duplicate pair.
        max_hash_distance: largest Hamming distance of a duplicate pair, in bits.

    Returns:
        `first, second` (row numbers, first < second), `hash_distance`, `ssim`; in row order.
    """
    candidates, distances = near_hash_pairs(hashes, max_hash_distance)
    ssim = [
        structural_similarity_at(images[first], images[second], side)
        for first, second in progress(candidates, "SSIM of candidate pairs", len(candidates))
    ]
    table = pd.DataFrame(candidates, columns=["first", "second"])
    table = table.assign(hash_distance=distances, ssim=np.array(ssim, dtype=float))
    return table[table["ssim"] >= min_ssim].reset_index(drop=True)
