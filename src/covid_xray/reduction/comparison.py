"""The reductions side by side: how much each remembers of a radiograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals, mean_interval
from covid_xray.evaluation.published import published_value
from covid_xray.evaluation.reconstruction import Reconstruct, score_reconstructions
from covid_xray.imaging.resizing import resize_rows
from covid_xray.reduction.tables import REDUCTION_COMPARISON

PCA, DENSE, CONVOLUTIONAL = "PCA", "dense autoencoder", "convolutional autoencoder"
# What is measured of each, by name in `published_figures`; PCA's SSIM is not there.
_PUBLISHED = (
    (PCA, "pca_cumulative_explained_variance"),
    (PCA, None),
    (DENSE, "dense_autoencoder_mean_ssim"),
    (CONVOLUTIONAL, "convolutional_autoencoder_mean_ssim"),
)


def compare_methods(
    explained_variance: pd.DataFrame,
    scores: Sequence[pd.DataFrame],
    published: pd.DataFrame,
    intervals: Intervals,
) -> pd.DataFrame:
    """Each method's mean SSIM on test radiographs beside the published one.

    Args:
        explained_variance: table `EXPLAINED_VARIANCE`.
        scores: tables `RECONSTRUCTION_SCORES` of PCA, the dense and the convolutional autoencoder.
        published: the table of published figures.
        intervals: of the scores.

    Returns:
        Table `REDUCTION_COMPARISON`; PCA's explained variance (on training radiographs, as
        published) comes first.
    """
    explained = {
        "quantity": f"explained variance, {len(explained_variance)} components",
        "value": explained_variance["cumulative_share"].iloc[-1],
    }
    measured = [explained, *(_mean_ssim(table, intervals) for table in scores)]
    known = [published_value(published, name) if name else np.nan for _, name in _PUBLISHED]
    methods = [method for method, _ in _PUBLISHED]
    comparison = pd.DataFrame(measured).assign(method=methods, published=known)
    return comparison.astype({"n_radiographs": "Int64"})[list(REDUCTION_COMPARISON.columns)]


def _mean_ssim(scores: pd.DataFrame, intervals: Intervals) -> dict[str, Any]:
    ssim = scores["ssim"].to_numpy()
    low, high = mean_interval(ssim, intervals, (-1, 1))
    return {
        "quantity": "mean SSIM, test radiographs",
        "value": ssim.mean(),
        "low": low,
        "high": high,
        "n_radiographs": len(ssim),
    }


def reconstruct_examples(
    images: NDArray[np.uint8],
    rows: NDArray[np.intp],
    methods: Mapping[str, Reconstruct],
    side: int,
) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.uint8]], dict[str, NDArray[np.float64]]]:
    """Some radiographs, uint8 (n, side, side), and by method their copies and the SSIM of each."""
    originals = resize_rows(images, rows, side)
    copies, ssim = {}, {}
    for name, reconstruct in methods.items():
        copies[name] = reconstruct(originals)
        scores = score_reconstructions(images, rows, reconstruct, side=side, batch_size=len(rows))
        ssim[name] = scores["ssim"].to_numpy()
    return originals, copies, ssim
