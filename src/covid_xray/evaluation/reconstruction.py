"""How well a code remembers radiographs (Report A: mean SSIM 0.65 and 0.91)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.arrays import row_batches
from covid_xray.imaging.resizing import resize_rows
from covid_xray.imaging.similarity import structural_similarity_at

Reconstruct = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def score_reconstructions(
    images: NDArray[np.uint8],
    rows: NDArray[np.intp],
    reconstruct: Reconstruct,
    *,
    side: int,
    batch_size: int,
) -> pd.DataFrame:
    """Compare radiographs with their reconstructions, batch by batch.

    Args:
        images: uint8 array (n, height, width).
        rows: rows to reconstruct.
        reconstruct: from and to uint8 arrays (batch, side, side).
        side: height and width at which both are compared, in pixels.
        batch_size: radiographs at a time.

    Returns:
        One row per radiograph, in the order of `rows`: `row`, `ssim` (Wang et al., 2004; 1 if
        equal) and `mean_squared_error` (grey 0-1, squared).
    """
    scores: list[tuple[int, float, float]] = []
    for batch in row_batches(rows, batch_size, "SSIM of reconstructions"):
        originals = resize_rows(images, batch, side)
        for row, original, copy in zip(batch, originals, reconstruct(originals), strict=True):
            difference = (original.astype(np.float64) - copy) / 255
            ssim = structural_similarity_at(original, copy, side)
            scores.append((int(row), ssim, float(np.mean(difference**2))))
    return pd.DataFrame(scores, columns=["row", "ssim", "mean_squared_error"])
