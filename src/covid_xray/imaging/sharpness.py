"""Sharpness by the variance of the Laplacian (Report A, section Analyse par matrice de Laplacien).

The method is the LAPV measure of Pech-Pacheco et al., ICPR 2000.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.tables import Number, Text, Whole, table

SHARPNESS = table(
    "a threshold of the Laplacian variance, and a class",
    {
        "threshold": Number(description="least Laplacian variance that is kept, grey²"),
        "label": Text(description="class of the radiographs, or `all`"),
        "n_images": Whole(description="radiographs of the class"),
        "n_kept": Whole(description="radiographs at or above the threshold"),
        "kept_share": Number(description="share of these"),
    },
)


def laplacian_variance(pixels: NDArray[np.uint8]) -> float:
    """Variance of `cv2.Laplacian(pixels, cv2.CV_64F)`, in squared grey levels.

    Args:
        pixels: uint8 array (height, width), at the size the image came in: resizing changes it.
    """
    # 16 bits hold every value, and take less time than 64.
    _, deviation = cv2.meanStdDev(cv2.Laplacian(pixels, cv2.CV_16S))
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
        Table `SHARPNESS`.
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
    kept_shares = pd.DataFrame(rows)
    return kept_shares.assign(kept_share=kept_shares["n_kept"] / kept_shares["n_images"])
