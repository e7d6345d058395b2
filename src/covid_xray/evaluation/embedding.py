"""How far classes lie apart in a code of radiographs: a number beside each scatter plot.

A plot of points in class colours invites stories (Report A, Figure 7 and Annex 11). Silhouette
(Rousseeuw, 1987) and the purity of nearest neighbours say how much there is to see, and the same
figures under shuffled labels say what chance alone would show.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FIGURES = [
    f"{score}{suffix}"
    for score in ("silhouette", "knn_purity")
    for suffix in ("", "_shuffled", "_shuffled_highest")
]
_Score = Callable[[NDArray[np.intp]], float]


def score_embedding(
    points: NDArray[np.floating],
    labels: ArrayLike,
    *,
    n_neighbours: int,
    n_shuffles: int,
    silhouette_rows: int,
    seed: int,
) -> dict[str, Any]:
    """Score how far the classes lie apart, and how far chance alone would set them apart.

    Args:
        points: float array (n, dimensions).
        labels: class of each point, (n,).
        n_neighbours: neighbours of the purity, the point itself apart.
        n_shuffles: times that labels are shuffled.
        silhouette_rows: points drawn for the silhouette, whose cost grows with their square.
        seed: seed of the draw and of the shuffling.

    Returns:
        `n_radiographs, n_dimensions`; `silhouette` (mean, -1 to 1, 0 where classes overlap);
        `knn_purity` (share of a radiograph's nearest neighbours that are of its class, averaged
        by class so that a large class does not decide, 0 to 1); each also `…_shuffled` (mean
        under shuffled labels) and `…_shuffled_highest`; and `note`, empty or, where there is no
        figure, `not testable: ` and the reason.
    """
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    row: dict[str, Any] = {"n_radiographs": len(points), "n_dimensions": points.shape[1]}
    reason = _why_not(len(points), len(classes), n_neighbours)
    if reason:
        return row | dict.fromkeys(_FIGURES, float("nan")) | {"note": f"not testable: {reason}"}
    rng = np.random.default_rng(seed)
    drawn = _draw_evenly(codes, silhouette_rows, rng)
    silhouettes = _against_chance(_silhouette(points[drawn]), codes[drawn], n_shuffles, rng)
    purities = _against_chance(_purity(points, n_neighbours), codes, n_shuffles, rng)
    return row | dict(zip(_FIGURES, silhouettes + purities, strict=True)) | {"note": ""}


def _why_not(n_points: int, n_classes: int, n_neighbours: int) -> str:
    if n_classes < 2:
        return f"{n_classes} class(es), and at least 2 are needed"
    if n_points <= max(n_neighbours, n_classes):
        return f"{n_points} radiographs are too few for {n_neighbours} neighbours"
    return ""


def _against_chance(
    score: _Score, codes: NDArray[np.intp], n_shuffles: int, rng: np.random.Generator
) -> list[float]:
    """The score of the true labels, and mean and highest score of shuffled ones."""
    shuffled = [score(rng.permutation(codes)) for _ in range(n_shuffles)]
    return [float(score(codes)), float(np.mean(shuffled)), float(np.max(shuffled))]


def _silhouette(points: NDArray[np.floating]) -> _Score:
    from sklearn.metrics import pairwise_distances, silhouette_score

    distances = pairwise_distances(points).astype(np.float64)
    np.fill_diagonal(distances, 0)
    return partial(silhouette_score, distances, metric="precomputed")


def _purity(points: NDArray[np.floating], n_neighbours: int) -> _Score:
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=n_neighbours).fit(points)
    neighbours = nearest.kneighbors(return_distance=False)

    def mean_by_class(codes: NDArray[np.intp]) -> float:
        own = (codes[neighbours] == codes[:, None]).mean(axis=1)
        return float((np.bincount(codes, own) / np.bincount(codes)).mean())

    return mean_by_class


def _draw_evenly(
    codes: NDArray[np.intp], n_rows: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Rows of every class in its proportion, at least two of each: silhouettes need every class."""
    if len(codes) <= n_rows:
        return np.arange(len(codes))
    drawn = []
    for code, size in enumerate(np.bincount(codes)):
        wanted = min(max(round(n_rows * size / len(codes)), 2), size)
        drawn.append(rng.choice(np.flatnonzero(codes == code), wanted, replace=False))
    return np.sort(np.concatenate(drawn))
