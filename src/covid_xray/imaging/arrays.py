"""Arrays larger than memory: rows that are written as they are made, and scratch space on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from covid_xray.progress import progress


@dataclass(frozen=True)
class RowStream:
    """An array that does not exist yet: its shape, and its rows in batches, to be read once.

    A node returns it instead of an array that might not fit in memory; `ArrayDataset` writes
    the batches as they come.

    Attributes:
        shape: shape of the whole array, rows first.
        dtype: type of its elements.
        batches: arrays (any number of rows, *shape[1:]) that add up to `shape[0]` rows.
    """

    shape: tuple[int, ...]
    dtype: DTypeLike
    batches: Iterable[NDArray[np.generic]]

    def collect(self) -> NDArray[np.generic]:
        """The whole array in memory, for small studies and tests."""
        collected = np.empty(self.shape, self.dtype)
        for start, batch in self.numbered_batches():
            collected[start : start + len(batch)] = batch
        return collected

    def numbered_batches(self) -> Iterator[tuple[int, NDArray[np.generic]]]:
        """Batches with the row number each starts at.

        Raises:
            ValueError: if the batches do not fit `shape`.
        """
        start = 0
        for batch in self.batches:
            if batch.shape[1:] != self.shape[1:] or start + len(batch) > self.shape[0]:
                raise ValueError(
                    f"a batch of shape {batch.shape} at row {start} does not fit {self.shape}"
                )
            yield start, batch
            start += len(batch)
        if start != self.shape[0]:
            raise ValueError(f"{start} rows came for an array of shape {self.shape}")


def scratch_array(
    shape: tuple[int, ...], dtype: DTypeLike, folder: Path | None = None
) -> np.memmap[tuple[int, ...], np.dtype[np.generic]]:
    """A zeroed array on disk that vanishes with the process, however the process ends.

    Args:
        shape: shape of the array.
        dtype: type of its elements.
        folder: where the space is taken; the system's temporary folder (`TMPDIR`) if None.
    """
    # The file has no name from the start, so that nothing is left behind by a killed run.
    with tempfile.TemporaryFile(dir=folder) as space:
        # An empty file can't be mapped; one element keeps a study without rows working.
        if 0 in shape:
            return np.memmap(space, dtype, "w+", shape=(1, *shape[1:]))[:0]  # type: ignore[return-value]
        return np.memmap(space, dtype, "w+", shape=shape)


def keep_rows(array: NDArray[np.generic], rows: NDArray[np.intp]) -> NDArray[np.generic]:
    """Move `rows` (ascending) to the top of `array`, in place, and return that part.

    Selecting rows of a memory map by an index array would read them all into memory.
    """
    for target, source in enumerate(rows):
        if target != source:
            array[target] = array[source]
    return array[: len(rows)]


def row_batches(
    rows: NDArray[np.intp], batch_size: int, description: str
) -> Iterator[NDArray[np.intp]]:
    """Even batches of rows under a progress bar.

    Args:
        rows: row numbers.
        batch_size: rows per batch at least, and less than twice as many; all if there are fewer.
            (A short last batch could not carry the components of a PCA.)
        description: what the bar says.
    """
    parts = np.array_split(rows, max(len(rows) // batch_size, 1))
    return progress(parts, description, len(parts))
