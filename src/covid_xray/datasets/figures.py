"""Figures on disk, each previewable in Kedro-Viz and whole or not there at all.

They are not imported with the other datasets: matplotlib and plotly load only with a catalog that
names one of these.
"""

from __future__ import annotations

from kedro_datasets import matplotlib, plotly

from covid_xray.datasets.atomic import AtomicSaveMixin


class MatplotlibDataset(AtomicSaveMixin, matplotlib.MatplotlibDataset):
    """`matplotlib.MatplotlibDataset` whose picture appears whole or not at all."""


class PlotlyDataset(AtomicSaveMixin, plotly.JSONDataset):
    """`plotly.JSONDataset` (an interactive figure) whose file appears whole or not at all."""
