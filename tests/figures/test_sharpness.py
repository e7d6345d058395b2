"""Sharpness: thresholds where they are, shares as counted, verdicts as the threshold says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import StepPatch

from covid_xray.figures import theme
from covid_xray.figures.marks import spread
from covid_xray.figures.sharpness import (
    draw_kept_share,
    draw_near_threshold,
    draw_sharpness_distribution,
)
from covid_xray.imaging.sharpness import kept_share_by_threshold

THRESHOLDS = {"first threshold": 50, "final threshold": 30}


def histograms(figure):
    for axes in figure.axes:
        yield [patch.get_data()[:2] for patch in axes.patches if isinstance(patch, StepPatch)]


def test_every_class_adds_up_to_one_on_a_log_axis(features, words):
    figure = draw_sharpness_distribution(features, THRESHOLDS)
    assert all(axes.get_xscale() == "log" for axes in figure.axes)
    for steps in histograms(figure):
        assert all(heights.sum() == pytest.approx(1) for heights, _ in steps)
        ratios = steps[0][1][1:] / steps[0][1][:-1]
        assert ratios == pytest.approx(ratios[0])
    for axes in figure.axes:
        dashed = {line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"}
        assert dashed == {30, 50}
    assert "first threshold: 50" in words(figure)
    assert "final threshold: 30" in words(figure)


@pytest.mark.parametrize("n_flat", [1, 100, 240])
def test_flat_radiographs_are_counted_on_the_log_axis(features, n_flat, words, png):
    features.loc[features.index[:n_flat], "laplacian_variance"] = 0.0
    figure = draw_sharpness_distribution(features, THRESHOLDS)
    assert f"{n_flat} below 0.1 in the first bin" in words(figure)
    for steps in histograms(figure):
        assert all(np.isfinite(edges).all() and edges[0] > 0 for _, edges in steps)
        assert all(heights.sum() == pytest.approx(1) for heights, _ in steps)
    png(figure)


def test_no_sharpness_at_all_is_said_in_words(features, words):
    figure = draw_sharpness_distribution(features.assign(laplacian_variance=np.nan), THRESHOLDS)
    assert "no values" in words(figure)


@pytest.fixture
def shares(features):
    return kept_share_by_threshold(
        features["laplacian_variance"], features["label"], [20, 30, 50, 90]
    )


def test_lines_go_through_the_points_of_the_table(shares, words):
    figure = draw_kept_share(shares.sample(frac=1, random_state=0), (0.76, 0.90), 50)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    for label, rows in shares.groupby("label"):
        line = lines[theme.class_name(label)]
        np.testing.assert_allclose(line.get_xdata(), rows["threshold"])
        np.testing.assert_allclose(line.get_ydata(), rows["kept_share"])
    for name in ("all classes", "COVID", "Lung Opacity"):
        assert name in words(figure)


def test_the_published_range_stands_at_its_threshold(shares, words):
    figure = draw_kept_share(shares, (0.76, 0.90), 50)
    (bar,) = figure.axes[0].collections
    (segment,) = bar.get_segments()
    np.testing.assert_allclose(segment, [[50, 0.76], [50, 0.90]])
    assert "76% to 90%" in words(figure)


def test_names_at_the_ends_of_lines_do_not_overlap(shares):
    figure = draw_kept_share(shares.assign(kept_share=0.5), (0.76, 0.90), 50)
    figure.draw_without_rendering()
    names = {"all classes", "COVID", "Normal", "Lung Opacity", "Viral Pneumonia"}
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text() in names]
    boxes.sort(key=lambda box: box.y0)
    assert len(boxes) == 5
    for lower, upper in zip(boxes, boxes[1:], strict=False):
        assert upper.y0 >= lower.y1 - 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.01, 0.3))
def test_spreading_keeps_order_and_gap_and_moves_little(values, gap):
    heights = np.array(values)
    moved = spread(heights, gap)
    order = np.argsort(heights, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9).all()
    assert moved.mean() == pytest.approx(heights.mean())
    if (np.diff(np.sort(heights)) >= gap).all():
        assert moved == pytest.approx(heights)


@pytest.mark.parametrize("variances", [[29.9], [30.0], [31, 29, 30, 28.5, 33, 40, 41, 42, 43, 44]])
def test_radiographs_carry_the_verdict_of_the_threshold(variances, pictures):
    pixels = pictures(len(variances), 12, 12)
    table = pd.DataFrame(
        {
            "image_id": [f"id-{k}" for k in range(len(variances))],
            "label": "Lung_Opacity",
            "laplacian_variance": variances,
        },
        index=range(70, 70 + len(variances)),
    )
    figure = draw_near_threshold(pixels, table, 30)
    filled = [axes for axes in figure.axes if axes.images]
    assert len(filled) == len(variances)
    colours = {"kept": set(), "dropped": set()}
    rows = {"kept": set(), "dropped": set()}
    for axes in filled:
        place = int(axes.get_title().removeprefix("id-"))
        assert np.array_equal(axes.images[0].get_array(), pixels[place])
        verdict = "kept" if variances[place] >= 30 else "dropped"
        assert axes.get_xlabel() == f"Lung Opacity\n{variances[place]:.1f}, {verdict}"
        colours[verdict].add(axes.spines["left"].get_edgecolor())
        rows[verdict].add(axes.get_subplotspec().rowspan.start)
        assert axes.spines["left"].get_visible()
    assert not colours["kept"] & colours["dropped"]
    assert not rows["kept"] & rows["dropped"]
    assert all(len(found) <= 1 for found in colours.values())


def test_nothing_near_the_threshold_is_said_in_words(pictures, words):
    table = pd.DataFrame({"image_id": [], "label": [], "laplacian_variance": []})
    assert "no radiographs" in words(draw_near_threshold(pictures(0, 8, 8), table, 30))


def test_no_threshold_is_said_in_words(shares, words):
    assert "No threshold" in words(draw_kept_share(shares.iloc[:0], (0.76, 0.90), 50))


def test_the_median_of_a_class_of_flat_radiographs_is_its_own():
    table = pd.DataFrame(
        {"label": ["COVID"] * 3 + ["Normal"] * 2, "laplacian_variance": [0.0, 0.0, 90, 60, 70]}
    )
    covid, normal = draw_sharpness_distribution(table, {}).axes
    assert "0" in {text.get_text().strip() for text in covid.texts}
    assert "65" in {text.get_text().strip() for text in normal.texts}
    heights, _ = next(iter(covid.patches)).get_data()[:2]
    assert heights[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("thresholds", [{}, THRESHOLDS])
@pytest.mark.parametrize("variance", [0.0, 80.0])
def test_radiographs_all_alike_are_drawn(variance, thresholds, png):
    table = pd.DataFrame({"label": ["COVID", "Normal"], "laplacian_variance": variance})
    figure = draw_sharpness_distribution(table, thresholds)
    for steps in histograms(figure):
        assert all(heights.sum() == pytest.approx(1) for heights, _ in steps)
    png(figure)
