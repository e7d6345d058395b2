"""Eigen-images: principal components of radiographs (Report A, section Réduction des dimensions).

The method is Turk & Pentland's (J. Cognitive Neuroscience 3, 1991), fitted batch by batch
(Ross et al., IJCV 77, 2008), so that memory does not grow with the number of radiographs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covid_xray.imaging.arrays import row_batches
from covid_xray.imaging.resizing import resize_rows

# Components carried from batch to batch beyond those asked for: what one batch cuts off, a later
# one can't bring back.
_SPARE_COMPONENTS = 100


class TooFewRadiographsError(ValueError):
    """Fewer training radiographs than components."""


@dataclass(frozen=True)
class EigenImages:
    """A linear code of radiographs.

    Attributes:
        mean: float32 array (side, side), mean training radiograph, grey 0-1.
        components: float32 array (k, side, side), orthonormal, by falling variance.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]

    @property
    def side(self) -> int:
        """Height and width of the radiographs it encodes, in pixels."""
        return int(self.mean.shape[0])

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Codes, float32 array (n, k), of radiographs, uint8 array (n, side, side)."""
        centred = _grey(pixels) - self.mean
        codes: NDArray[np.float32] = _flat(centred) @ _flat(self.components).T
        return codes

    def reconstruct(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Radiographs as their codes remember them, uint8 array (n, side, side)."""
        decoded = self.encode(pixels) @ _flat(self.components) + _flat(self.mean[None])
        grey: NDArray[np.uint8] = np.clip(np.rint(decoded * 255), 0, 255).astype(np.uint8)
        return grey.reshape(pixels.shape)


def fit_eigen_images(
    images: NDArray[np.uint8],
    rows: NDArray[np.intp],
    *,
    side: int,
    n_components: int,
    batch_size: int,
) -> tuple[EigenImages, NDArray[np.float64]]:
    """Fit eigen-images on some rows, reading and holding one batch at a time.

    Args:
        images: uint8 array (n, height, width); a memory map is read once.
        rows: training rows.
        side: side to which radiographs are resized, in pixels; the report's is 128.
        n_components: number of components; the report's is 50.
        batch_size: radiographs per batch, raised to the number of components if it is less.

    Returns:
        The eigen-images, and the share of the variance that each explains (n_components,).

    Raises:
        TooFewRadiographsError: if there are fewer rows than components.
    """
    if len(rows) < n_components:
        raise TooFewRadiographsError(
            f"{n_components} components need as many training radiographs, and there are "
            f"{len(rows)}: lower exploration.eigen_images.n_components."
        )
    # Here, because scikit-learn takes seconds to load.
    from sklearn.decomposition import IncrementalPCA

    carried = min(n_components + _SPARE_COMPONENTS, len(rows), side**2)
    fitted = IncrementalPCA(carried)
    for batch in row_batches(rows, max(batch_size, carried), "Fitting eigen-images"):
        fitted.partial_fit(_flat(_grey(resize_rows(images, batch, side))))
    mean = fitted.mean_.astype(np.float32).reshape(side, side)
    components = fitted.components_[:n_components].astype(np.float32)
    eigen_images = EigenImages(mean, components.reshape(-1, side, side))
    return eigen_images, fitted.explained_variance_ratio_[:n_components]


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.astype(np.float32) / np.float32(255)


def _flat(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1)
