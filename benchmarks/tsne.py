"""t-SNE: scikit-learn's Barnes-Hut against openTSNE's interpolation, which is not a dependency."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from sklearn.manifold import trustworthiness

from covid_xray.evaluation.embedding import score_embedding
from covid_xray.reduction.tsne import project_tsne

DIMENSIONS, CLASSES = 50, 4
# Of the trustworthiness, whose cost grows with the square of the points.
CHECKED = 2000


def codes_like_ours(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of four overlapping classes, whose dimensions vary less and less."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % CLASSES
    scale = 1 / np.sqrt(np.arange(1, DIMENSIONS + 1))
    centres = rng.normal(0, 1, (CLASSES, DIMENSIONS)) * scale
    codes = rng.normal(0, 1, (n, DIMENSIONS)) * scale + centres[labels]
    return codes.astype(np.float32), labels


def ours(codes: np.ndarray) -> np.ndarray:
    return project_tsne(codes, perplexity=30, seed=1)


def open_tsne(codes: np.ndarray) -> np.ndarray:
    from openTSNE import TSNE

    return np.asarray(TSNE(perplexity=30, random_state=1, n_jobs=-1).fit(codes))


def measured(project: Callable[[np.ndarray], np.ndarray], codes, labels) -> float:
    start = time.perf_counter()
    plane = project(codes)
    seconds = time.perf_counter() - start
    faithful = trustworthiness(codes[:CHECKED], plane[:CHECKED], n_neighbors=10)
    scores = score_embedding(
        plane, labels, n_neighbours=10, n_shuffles=1, silhouette_rows=CHECKED, seed=1
    )
    print(
        f"{len(codes)} codes, {project.__name__}: {seconds:.1f} s, trustworthiness "
        f"{faithful:.3f}, k-NN purity {scores['knn_purity']:.3f}",
        flush=True,
    )
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codes", type=int, nargs="+", default=[1_600, 14_000])
    for n in parser.parse_args().codes:
        codes, labels = codes_like_ours(n)
        barnes_hut = measured(ours, codes, labels)
        try:
            interpolated = measured(open_tsne, codes, labels)
        except ImportError:
            print("openTSNE is not installed: pip install openTSNE")
        else:
            print(f"{n} codes: openTSNE takes {interpolated / barnes_hut:.2f} of our time")


if __name__ == "__main__":
    main()
