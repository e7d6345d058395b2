"""Codes of all radiographs of a study, and what is fitted on the codes of training radiographs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream, row_batches
from covid_xray.imaging.resizing import resize_rows

Codes = NDArray[np.float32]
Images = NDArray[np.uint8]


def encode_radiographs(
    images: Images,
    encode: Callable[[Images], Codes],
    *,
    code_length: int,
    side: int,
    batch_size: int,
) -> RowStream:
    """Codes of all radiographs, batch by batch.

    Args:
        images: uint8 array (n, height, width).
        encode: from uint8 arrays (batch, side, side) to float32 (batch, code_length).
        code_length: numbers per code.
        side: side that `encode` takes, in pixels.
        batch_size: radiographs at a time.

    Returns:
        float32 array (n, code_length).
    """
    batches = row_batches(np.arange(len(images)), batch_size, "Encoding radiographs")
    codes = (encode(resize_rows(images, batch, side)) for batch in batches)
    return RowStream((len(images), code_length), np.float32, codes)


def reconstruct_rows(
    arrays: Mapping[str, Images],
    rows: pd.DataFrame,
    reconstruct: Callable[[Images], Images],
    *,
    side: int,
    batch_size: int,
) -> RowStream:
    """The rows of a list as their codes remember them, batch by batch.

    Args:
        arrays: uint8 arrays (n, height, width) by name.
        rows: table with `array` and `row`.
        reconstruct: from and to uint8 arrays (batch, side, side).
        side: side that it takes, in pixels.
        batch_size: radiographs at a time.

    Returns:
        uint8 array (n, side, side), in the order of the rows.
    """

    def pixels(chosen: pd.DataFrame) -> Images:
        places = zip(chosen["array"], chosen["row"], strict=True)
        return np.concatenate(
            [resize_rows(arrays[array], np.array([row]), side) for array, row in places]
        )

    batches = row_batches(np.arange(len(rows)), batch_size, "Reconstructing radiographs")
    reconstructed = (reconstruct(pixels(rows.iloc[batch])) for batch in batches)
    return RowStream((len(rows), side, side), np.uint8, reconstructed)


def fit_code_scaling(codes: Codes, rows: NDArray[np.intp], batch_size: int) -> pd.DataFrame:
    """Mean and standard deviation of every dimension of the codes of some rows.

    An autoencoder's dimensions have arbitrary scales; distances mean little before they have one.

    Args:
        codes: float32 array (n, code_length); a memory map is read once.
        rows: training rows.
        batch_size: codes at a time.

    Returns:
        Table `CODE_SCALING`.
    """
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for batch in row_batches(rows, batch_size, "Scaling codes"):
        scaler.partial_fit(codes[batch].astype(np.float64))
    scaling = pd.DataFrame({"mean": scaler.mean_, "scale": scaler.scale_})
    return scaling.rename_axis("dimension").reset_index()


def scale_codes(codes: Codes, scaling: pd.DataFrame) -> Codes:
    """Codes (n, code_length) in units of the training radiographs' standard deviations."""
    mean, scale = (scaling[name].to_numpy(np.float32) for name in ("mean", "scale"))
    scaled: Codes = (codes - mean) / scale
    return scaled


def project_codes(
    codes: Codes,
    scaling: pd.DataFrame,
    rows: NDArray[np.intp],
    *,
    n_components: int,
    batch_size: int,
) -> Codes:
    """Leading principal components of scaled codes, fitted on some rows, batch by batch.

    Args:
        codes: float32 array (n, code_length); a memory map is read twice.
        scaling: table of `fit_code_scaling`.
        rows: training rows.
        n_components: components wanted; fewer if there are fewer rows or dimensions.
        batch_size: codes at a time, raised to the number of components if it is less.

    Returns:
        float32 array (n, n_components).
    """
    from sklearn.decomposition import IncrementalPCA

    fitted = IncrementalPCA(min(n_components, len(rows), codes.shape[1]))
    size = max(batch_size, n_components)
    for batch in row_batches(rows, size, "Fitting the projection of codes"):
        fitted.partial_fit(scale_codes(codes[batch], scaling))
    projected = [
        fitted.transform(scale_codes(codes[batch], scaling)).astype(np.float32)
        for batch in row_batches(np.arange(len(codes)), size, "Projecting codes")
    ]
    return np.concatenate(projected)
