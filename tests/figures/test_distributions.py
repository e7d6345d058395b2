"""Distributions: equal areas, true medians, and words where there is nothing to draw."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import StepPatch

from covid_xray.figures.distributions import draw_distribution


def strip(figure, name):
    """Axes of a class, and its histogram's outline (heights, edges)."""
    (axes,) = (axes for axes in figure.axes if axes.get_ylabel().startswith(f"{name}\n"))
    steps = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
    return axes, [step.get_data()[:2] for step in steps]


def test_every_class_has_area_one_over_shared_bins(features):
    uneven = features.drop(features.index[features["label"] == "Normal"][5:])
    figure = draw_distribution(uneven, "luminosity", "Luminosity", "grey levels")
    edges = []
    for label, rows in uneven.groupby("label"):
        _, steps = strip(figure, label.replace("_", " "))
        for heights, bins in steps:
            areas = heights * np.diff(bins)
            assert areas.sum() == pytest.approx(1)
            expected, _ = np.histogram(rows["luminosity"], bins)
            np.testing.assert_allclose(areas * len(rows), expected, atol=1e-9)
            edges.append(bins)
    assert len(edges) == 6
    assert all(np.array_equal(edges[0], other) for other in edges)
    assert edges[0][0] == uneven["luminosity"].min()
    assert edges[0][-1] == uneven["luminosity"].max()


def test_each_strip_marks_the_median_of_its_class(features, words):
    figure = draw_distribution(features, "luminosity", "Luminosity", "grey levels")
    for label, values in features.groupby("label")["luminosity"]:
        axes, _ = strip(figure, label.replace("_", " "))
        (line,) = axes.get_lines()
        assert set(line.get_xdata()) == {values.median()}
        assert f"{values.median():.3g}" in {text.get_text().strip() for text in axes.texts}
        assert f"n = {len(values)}" in axes.get_ylabel()
    assert "grey levels" in words(figure)


def test_strips_share_one_scale(features):
    figure = draw_distribution(features, "luminosity", "Luminosity", "grey levels")
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    tallest = max(patch.get_data()[0].max() for axes in figure.axes for patch in axes.patches)
    assert figure.axes[0].get_ylim()[1] > tallest


def test_a_class_without_lung_masks_is_named_as_such(features):
    figure = draw_distribution(features, "mask_area", "Area of the lung mask", "pixels")
    axes, steps = strip(figure, "Normal")
    assert not steps
    assert [text.get_text() for text in axes.texts] == ["no lung mask"]
    _, steps = strip(figure, "COVID")
    assert steps


@pytest.mark.parametrize(
    ("feature", "sentence"), [("mask_area", "no lung mask"), ("luminosity", "no values")]
)
def test_a_study_without_values_says_so_in_words(features, feature, sentence, words):
    figure = draw_distribution(features.assign(**{feature: np.nan}), feature, "The title", "u")
    assert sentence in words(figure)
    assert "The title" in words(figure)
    assert not figure.axes[0].patches


@pytest.mark.parametrize("values", [[7.0], [7.0, 7.0, 7.0], [7.0, np.inf, np.nan], [0.0, 0.0]])
def test_a_single_value_or_a_constant_is_drawn(values, png):
    table = pd.DataFrame({"label": "COVID", "luminosity": values})
    figure = draw_distribution(table, "luminosity", "Luminosity", "grey levels")
    _, ((heights, edges),) = strip(figure, "COVID")
    assert (heights * np.diff(edges)).sum() == pytest.approx(1)
    png(figure)
