"""Report A's Table 1 against sizes that are added up by hand."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.studies.file_sizes import file_size_table
from covid_xray.studies.study import open_study
from support.project import ROOT

TABLE_1 = pd.read_csv(ROOT / "data/01_raw/published/table_1_file_sizes.csv")
CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]


def independent_sizes(folder):
    """Mean, median, standard deviation, extremes and number of files, by hand."""
    sizes = sorted(path.stat().st_size for path in folder.glob("*.png"))
    n = len(sizes)
    mean = sum(sizes) / n
    median = (sizes[(n - 1) // 2] + sizes[n // 2]) / 2
    deviation = (sum((size - mean) ** 2 for size in sizes) / (n - 1)) ** 0.5
    return [mean, median, deviation, sizes[0], sizes[-1], n]


def index_of(folder):
    files = open_study(folder, CLASSES).radiographs
    return pd.DataFrame(
        [(file.label, file.n_bytes) for file in files], columns=["label", "n_bytes"]
    )


def check_table_1(folder):
    table = file_size_table(index_of(folder), TABLE_1).set_index("label")
    columns = ["mean_bytes", "median_bytes", "std_bytes", "min_bytes", "max_bytes", "n_images"]
    assert table.index.tolist() == CLASSES
    for label in CLASSES:
        expected = independent_sizes(folder / label / "images")
        assert table.loc[label, columns].tolist() == pytest.approx(expected, rel=1e-12)


def test_table_1_equals_an_independent_computation_on_phantoms(phantom):
    check_table_1(phantom[0])


def test_table_1_equals_an_independent_computation_on_the_real_sample(real_radiographs):
    check_table_1(real_radiographs)


def test_table_1_stands_beside_the_published_figures():
    index = pd.DataFrame({"label": ["COVID", "COVID", "Influenza"], "n_bytes": [100, 200, 50]})
    table = file_size_table(index, TABLE_1).set_index("label")
    assert table.loc["COVID", "mean_bytes_published"] == 35836.43
    assert table.loc["COVID", "mean_bytes_difference"] == pytest.approx(150 - 35836.43)
    assert table.loc["COVID", "n_images_difference"] == 2 - 3616
    assert np.isnan(table.loc["Influenza", "mean_bytes_published"])
