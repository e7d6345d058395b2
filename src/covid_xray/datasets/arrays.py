"""Arrays on disk, opened as memory maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import DatasetError
from numpy.typing import NDArray

from covid_xray.datasets.local import LocalDataset
from covid_xray.imaging.arrays import RowStream
from covid_xray.whole import whole_file


class ArrayDataset(LocalDataset["NDArray[Any] | RowStream", "NDArray[Any]"]):
    """A plain `.npy` file: `np.load` opens it without this project.

    Loading gives a read-only memory map, so only the rows that are used are read. Saving takes
    an array or a `RowStream`, writes batch by batch, and never holds the whole in memory.

    Example:
        ```yaml
        images:
          type: covid_xray.datasets.ArrayDataset
          filepath: data/02_intermediate/images.npy
        ```
    """

    def load(self) -> NDArray[Any]:
        """The array as a read-only memory map."""
        self.check_made()
        try:
            return _open(self._filepath)
        except (ValueError, EOFError) as error:
            raise DatasetError(
                f"{self._filepath} is not a whole .npy file ({error}). Delete it and run again."
            ) from error

    def save(self, data: NDArray[Any] | RowStream) -> None:
        """Write the array beside its place, then rename."""
        stream = data if isinstance(data, RowStream) else RowStream(data.shape, data.dtype, [data])
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(stream.dtype)),
            "fortran_order": False,
            "shape": stream.shape,
        }
        with whole_file(self._filepath) as partial, partial.open("wb") as file:
            np.lib.format.write_array_header_2_0(file, header)
            for _, batch in stream.numbered_batches():
                file.write(np.ascontiguousarray(batch, stream.dtype).data)


def _open(path: Path) -> NDArray[Any]:
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return mapped
    except ValueError:
        # An array without rows has no bytes to map; a truncated file fails here again.
        loaded: NDArray[Any] = np.load(path, allow_pickle=False)
        return loaded
