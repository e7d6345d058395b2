"""t-SNE of codes (van der Maaten & Hinton, JMLR 9, 2008; Report A, Figure 7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def project_tsne(
    codes: NDArray[np.float32], *, perplexity: float, seed: int
) -> NDArray[np.float32]:
    """Project codes to a plane, with scikit-learn's Barnes-Hut t-SNE.

    Args:
        codes: float32 array (n, dimensions), in comparable scales.
        perplexity: effective number of neighbours, lowered to a third of the codes if they are
            few, beyond which t-SNE has no neighbourhoods to show.
        seed: seed of the optimisation.

    Returns:
        float32 array (n, 2).
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    most = max((len(codes) - 1) / 3, 1.0)
    # Codes of one number, or all alike, have no two principal components to start from.
    flat = codes.shape[1] < 2 or not np.ptp(codes, axis=0).any()
    tsne = TSNE(
        perplexity=min(perplexity, most), init="random" if flat else "pca", random_state=seed
    )
    # One thread: sums over several come in any order, and the same seed shall give the same plane.
    with threadpool_limits(1):
        plane: NDArray[np.float32] = tsne.fit_transform(codes)
    return plane
