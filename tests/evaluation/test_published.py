"""Published figures: found by name and report, or missed by name."""

import pandas as pd
import pytest

from covid_xray.evaluation.published import published_value, stand_beside
from support.project import ROOT

PUBLISHED = pd.DataFrame(
    {
        "report": ["B", "A", "A"],
        "quantity": ["shared", "shared", "of_a"],
        "value": [1, 2, 0.5],
    }
)


def test_a_figure_is_found_by_name_in_the_report_asked_for():
    assert published_value(PUBLISHED, "shared") == 2
    assert published_value(PUBLISHED, "shared", "B") == 1
    assert published_value(PUBLISHED, "of_a") == 0.5
    assert isinstance(published_value(PUBLISHED.astype({"value": int}), "shared"), float)


@pytest.mark.parametrize(
    ("quantity", "report"), [("of_a", "B"), ("unheard_of", "A"), ("shared", "C")]
)
def test_an_unpublished_figure_is_refused_by_name(quantity, report):
    with pytest.raises(KeyError, match=f"no '{quantity}' of Report {report}"):
        published_value(PUBLISHED, quantity, report)


def test_the_committed_figures_hold_those_of_pca():
    table = pd.read_csv(ROOT / "data/01_raw/published/other_figures.csv")
    assert published_value(table, "pca_components") == 50
    assert published_value(table, "pca_cumulative_explained_variance") == 0.89
    assert published_value(table, "dense_autoencoder_mean_ssim") == 0.65
    assert published_value(table, "convolutional_autoencoder_mean_ssim") == 0.91


def test_published_figures_stand_beside_ours_row_by_row():
    ours = pd.DataFrame({"key": ["b", "new", "a"], "x": [1.5, 2.0, 3.0], "y": [1, 2, 3]})
    published = pd.DataFrame({"key": ["a", "b", "c"], "x": [1.0, 1.0, 9.0]})
    table = stand_beside(ours.set_index("key"), published.set_index("key"), ["x"])
    assert list(table) == ["x", "y", "x_published", "x_difference"]
    assert table.loc["b"].tolist() == [1.5, 1, 1, 0.5]
    assert table.loc["a", "x_difference"] == 2
    assert table.loc["new", ["x_published", "x_difference"]].isna().all()
