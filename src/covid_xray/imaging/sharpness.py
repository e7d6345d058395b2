"""Sharpness by the variance of the Laplacian (Report A, section Analyse par matrice de Laplacien).

The method is the LAPV measure of Pech-Pacheco et al., ICPR 2000.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray


def laplacian_variance(pixels: NDArray[np.uint8]) -> float:
    """Variance of `cv2.Laplacian(pixels, cv2.CV_64F)`, in squared grey levels.

    Args:
        pixels: uint8 array (height, width), at the size the image came in: resizing changes it.
    """
    _, deviation = cv2.meanStdDev(cv2.Laplacian(pixels, cv2.CV_64F))
    return float(deviation[0, 0]) ** 2


def kept_share_by_threshold(
    variances: pd.Series, labels: pd.Series, thresholds: Sequence[float]
) -> pd.DataFrame:
    """Share of radiographs, per class and overall, at or above each Laplacian threshold.

    Args:
        variances: Laplacian variance per radiograph.
        labels: class per radiograph, on the same index.
        thresholds: thresholds to try, in squared grey levels.

    Returns:
        One row per threshold and class (and `all`): `threshold, label, n_images, n_kept,
        kept_share`.
    """
    rows = []
    for threshold in thresholds:
        kept = variances >= threshold
        counts = kept.groupby(labels, observed=True).agg(["size", "sum"])
        counts.loc["all"] = [len(kept), int(kept.sum())]
        rows += [
            {"threshold": threshold, "label": label, "n_images": size, "n_kept": n_kept}
            for label, (size, n_kept) in zip(counts.index, counts.to_numpy(), strict=True)
        ]
    table = pd.DataFrame(rows)
    return table.assign(kept_share=table["n_kept"] / table["n_images"])
