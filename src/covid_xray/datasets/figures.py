"""Figures on disk, each previewable in Kedro-Viz and whole or not there at all.

They are not imported with the other datasets: matplotlib and plotly load only with a catalog that
names one of these.
"""

from __future__ import annotations

from pathlib import Path

from kedro.io import DatasetError
from kedro_datasets import matplotlib, plotly

from covid_xray.datasets.atomic import AtomicSaveMixin


class MatplotlibDataset(AtomicSaveMixin, matplotlib.MatplotlibDataset):
    """`matplotlib.MatplotlibDataset` whose picture appears whole or not at all.

    Loading gives the picture's path: what a page needs to show it, without a figure in memory.
    """

    def load(self) -> Path:
        """Where the picture is.

        Raises:
            DatasetError: if it was not drawn yet.
        """
        self.check_made()
        path = Path(self._filepath)
        if not path.is_file():
            raise DatasetError(f"There is no picture at {path}: run the node that draws it.")
        return path


class PlotlyDataset(AtomicSaveMixin, plotly.JSONDataset):
    """`plotly.JSONDataset` (an interactive figure) whose file appears whole or not at all."""
