"""Lung masks: outlines on their edges, errors where they are, and the sizes and scores given."""

import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from covid_xray.figures import theme
from covid_xray.figures.distributions import draw_distribution
from covid_xray.figures.montages import overlay_mask
from covid_xray.figures.segmentation import (
    draw_mask_quality,
    draw_resizing,
    draw_segmentation_examples,
    outline,
    tint_errors,
)
from covid_xray.imaging.resizing import resize_radiograph

RANKS = ["best", "best", "best", "median", "median", "median", "worst", "worst", "worst"]
MASKS = array_shapes(min_dims=2, max_dims=2, max_side=12).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)


def shown(axes):
    (image,) = axes.images
    return np.asarray(image.get_array())


def disc(side=40, radius=12):
    y, x = np.mgrid[:side, :side]
    return ((y - side // 2) ** 2 + (x - side // 2) ** 2 < radius**2).astype(np.uint8)


def edges_of(mask):
    """Midpoints (x, y) between a pixel of the mask and a neighbour that is none."""
    inside = np.pad(mask, 1).astype(int)
    down = np.argwhere(np.diff(inside, axis=0)) - 1
    right = np.argwhere(np.diff(inside, axis=1)) - 1
    return {(x, y + 0.5) for y, x in down} | {(x + 0.5, y) for y, x in right}


@given(MASKS)
@settings(deadline=None, max_examples=60)
def test_an_outline_runs_along_every_edge_of_the_mask_and_nowhere_else(mask):
    lines = outline(mask)
    assert {tuple(point) for line in lines for point in line.tolist()} == edges_of(mask)
    # Also those of a mask that reaches the edge of the picture.
    assert all(np.array_equal(line[0], line[-1]) for line in lines)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 255]))
@settings(deadline=None, max_examples=30)
def test_an_error_has_the_colour_of_the_mask_that_is_alone_there(seed, one):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    true, predicted = rng.integers(0, 2, (2, 20, 30), dtype=np.uint8)
    tinted = tint_errors(pixels, true * np.uint8(one), predicted)
    assert tinted.dtype == np.uint8
    grey = np.dstack([pixels] * 3)
    assert np.array_equal(tinted[true == predicted], grey[true == predicted])
    missed, added = true > predicted, predicted > true
    for wrong, own, other in (
        (missed, theme.MASK, theme.STUDY),
        (added, theme.STUDY, theme.MASK),
    ):
        to_own, to_other, before = (
            np.linalg.norm(picture[wrong] - 255 * np.array(to_rgb(colour)), axis=1)
            for picture, colour in ((tinted, own), (tinted, other), (grey, own))
        )
        assert (to_own < to_other).all()
        assert (to_own < before / 2 + 1).all()


def table_of(n, ranks=RANKS):
    return pd.DataFrame(
        {
            "pair_id": [f"pair-{k}" for k in range(n)],
            "label": [["COVID", "Lung_Opacity", "$odd$_name"][k % 3] for k in range(n)],
            "rank": ranks[:n],
            "dice": [0.9871 - 0.1 * k for k in range(n)],
            "hausdorff": [2.25 + k for k in range(n)],
        },
        index=range(50, 50 + n),
    )


def examples(n, ranks=RANKS):
    """Radiographs, their masks, masks predicted lower down, and their table."""
    pixels = np.random.default_rng(n).integers(0, 256, (n, 40, 40), dtype=np.uint8)
    true = np.stack([np.roll(disc(), k, axis=1) for k in range(n)])
    predicted = np.stack([np.roll(mask, 1 + k, axis=0) for k, mask in enumerate(true)])
    return pixels, true, predicted, table_of(n, ranks)


def panels(figure):
    """Axes of the outlines and of the errors, by the name of the pair."""
    drawn = [axes for axes in figure.axes if axes.images]
    return {left.get_title(): (left, right) for left, right in zip(*[iter(drawn)] * 2, strict=True)}


@pytest.mark.parametrize("n", [1, 2, 4, 9])
def test_each_case_is_outlined_tinted_and_scored(n):
    pixels, true, predicted, table = examples(n)
    drawn = panels(draw_segmentation_examples(pixels, true, predicted, table))
    assert list(drawn) == list(table["pair_id"])
    for k, (left, right) in enumerate(drawn.values()):
        assert np.array_equal(shown(left), pixels[k])
        assert left.images[0].get_clim() == (0, 255)
        assert np.array_equal(shown(right), tint_errors(pixels[k], true[k], predicted[k]))
        assert right.get_title() == theme.class_name(table["label"].iloc[k])
        assert left.get_xlabel() == f"Dice {0.9871 - 0.1 * k:.3f}"
        assert right.get_xlabel() == f"Hausdorff {2.25 + k:.1f} px"
        lines = [lines for lines in left.collections if isinstance(lines, LineCollection)]
        for mask, colour, drawn_lines in zip(
            (true[k], predicted[k]), (theme.MASK, theme.STUDY), lines, strict=True
        ):
            points = np.concatenate([path.vertices for path in drawn_lines.get_paths()])
            assert {tuple(point) for point in points.tolist()} == edges_of(mask)
            assert to_hex(drawn_lines.get_color()[0]) == to_hex(colour)
        # Else the outlines would hide each other where the masks agree.
        assert lines[0].get_linewidth() > 1.5 * lines[1].get_linewidth()
        assert (left.get_xlim(), left.get_ylim()) == ((-0.5, 39.5), (39.5, -0.5))


def test_ranks_are_rows_from_best_to_worst_in_any_order_of_the_table():
    figure = draw_segmentation_examples(*examples(4, ["worst", "best", "median", "worst"]))
    figure.draw_without_rendering()
    drawn = panels(figure)
    rows = {
        name: (left.get_subplotspec().rowspan.start, left.get_ylabel())
        for name, (left, _) in drawn.items()
    }
    assert rows == {
        "pair-1": (0, "best Dice"), "pair-2": (1, "median Dice"),
        "pair-0": (2, "worst Dice"), "pair-3": (2, ""),
    }  # fmt: skip
    assert drawn["pair-0"][0].get_position().x0 < drawn["pair-3"][0].get_position().x0


def test_a_rank_that_has_no_row_is_refused_rather_than_left_out():
    with pytest.raises(KeyError, match="wrost"):
        draw_segmentation_examples(*examples(1, ["wrost"]))
    pixels, true, predicted, table = examples(3)
    with pytest.raises(ValueError, match="shorter"):
        draw_segmentation_examples(pixels, true, predicted, table.iloc[:2])


def test_the_legend_names_both_outlines_and_both_errors():
    (legend,) = draw_segmentation_examples(*examples(3)).legends
    keys = {
        text.get_text(): to_hex(
            handle.get_facecolor() if hasattr(handle, "get_facecolor") else handle.get_color()
        )
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }
    assert keys == {
        "true mask": to_hex(theme.MASK),
        "predicted mask": to_hex(theme.STUDY),
        "lung that was missed": to_hex(theme.MASK),
        "predicted outside the lungs": to_hex(theme.STUDY),
    }


def test_an_empty_prediction_is_drawn_without_an_outline(png):
    pixels, true, predicted, table = examples(1)
    table = table.assign(dice=0.0, hausdorff=np.nan)
    figure = draw_segmentation_examples(pixels, true, 0 * predicted, table, "Some title")
    ((left, right),) = panels(figure).values()
    assert left.collections[-1].get_paths() == []
    assert (left.get_xlabel(), right.get_xlabel()) == ("Dice 0.000", "Hausdorff undefined")
    assert figure.get_suptitle().startswith("Some title")
    png(figure)


def test_no_predicted_masks_are_said_to_be_none(pictures, words):
    none = pictures(0, 8, 8)
    assert "No lung masks" in words(draw_segmentation_examples(none, none, none, table_of(0)))


@pytest.mark.parametrize(("height", "width"), [(45, 50), (30, 50), (30, 30)])
def test_before_resizing_pixel_lies_on_pixel(height, width, pictures, words):
    pixels, mask = pictures(height, width), disc(40, 18)
    figure = draw_resizing(pixels, mask)
    before, after = figure.axes
    laid = np.zeros_like(pixels)
    for y in range(min(height, 40)):
        for x in range(min(width, 40)):
            laid[y, x] = mask[y, x]
    assert np.array_equal(shown(before), overlay_mask(pixels, laid))
    assert np.array_equal(shown(after), overlay_mask(resize_radiograph(pixels, 40), mask))
    assert before.get_title() == f"Before\nradiograph {width} × {height}, mask 40 × 40"
    assert after.get_title() == "After\nradiograph 40 × 40, mask 40 × 40"
    frames = [patch.get_bbox() for patch in before.patches if isinstance(patch, Rectangle)]
    if width > 40:
        assert [frame.extents.tolist() for frame in frames] == [[-0.5, -0.5, 39.5, 39.5]]
    assert ("dashed" in words(figure)) == bool(frames) == (width > 40)
    assert before.get_xlim() == (-0.5, width - 0.5)


@pytest.mark.parametrize("shape", [(40, 40), (40, 30)])
def test_a_pair_of_one_size_is_said_to_need_no_resizing(shape, pictures, words):
    pixels, mask = pictures(*shape), disc()[:, : shape[1]]
    figure = draw_resizing(pixels, mask)
    assert f"Both came as {shape[1]} × 40: there was nothing to resize" in words(figure)
    for axes in figure.axes:
        assert np.array_equal(shown(axes), overlay_mask(pixels, mask))
        assert not axes.patches


def test_a_mask_that_is_no_square_is_stretched_to_one_with_its_radiograph(pictures):
    mask = np.zeros((20, 40), np.uint8)
    mask[:, 20:] = 1
    pixels = pictures(30, 30)
    before, after = draw_resizing(pixels, mask).axes
    square = np.repeat([[0] * 10 + [1] * 10], 20, axis=0)
    assert np.array_equal(shown(after), overlay_mask(resize_radiograph(pixels, 20), square))
    assert before.get_title() == "Before\nradiograph 30 × 30, mask 40 × 20"
    assert after.get_title() == "After\nradiograph 20 × 20, mask 20 × 20"


def quality_of(parts):
    rows = [(label, n) for label, counts in parts.items() for n in counts]
    table = pd.DataFrame(rows, columns=["label", "n_components"])
    rng = np.random.default_rng(len(table))
    return table.assign(area=rng.uniform(0.1, 0.4, len(table)), agreement=np.nan).sample(
        frac=1, random_state=0
    )


PARTS = {"Normal": [2, 2, 2, 1], "Lung_Opacity": [0, 1, 3], "COVID": [2] * 7, "$odd$ _x_": [22, 2]}
SHARES = {
    "$odd$ _x_": (0.5, "50.0%  (1 of 2)"),
    "COVID": (1, "100.0%  (7 of 7)"),
    "Lung_Opacity": (0, "0.0%  (0 of 3)"),
    "Normal": (0.75, "75.0%  (3 of 4)"),
}


def test_bars_are_the_shares_of_masks_with_exactly_two_parts():
    figure = draw_mask_quality(quality_of(PARTS))
    (axes,) = figure.axes
    whole, bars = axes.containers
    colours = theme.class_colours(PARTS)
    assert [bar.get_width() for bar in bars] == [share for share, _ in SHARES.values()]
    assert [to_hex(bar.get_facecolor()) for bar in bars] == [
        to_hex(colours[label]) for label in SHARES
    ]
    assert {bar.get_width() for bar in whole} == {1}
    assert [text.get_text() for text in axes.texts] == [text for _, text in SHARES.values()]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [theme.class_name(label) for label in SHARES]
    assert axes.yaxis_inverted()


def test_no_masks_have_no_parts_to_count(words):
    assert "no lung masks" in words(draw_mask_quality(quality_of(PARTS).iloc[:0]))


def test_areas_of_masks_are_drawn_as_any_other_feature(words, png):
    quality = quality_of(PARTS)
    png(draw_distribution(quality, "area", "Area of the lung masks", "share of the picture"))
    none = draw_distribution(quality, "agreement", "Agreement with the given masks", "Dice")
    assert "no values" in words(none)


LONG = {"pair_id": "Viral Pneumonia-1012_and_much_more", "label": "Viral Pneumonia"}
DRAWINGS = {
    "one case": lambda x: draw_segmentation_examples(*examples(1)),
    "nine cases": lambda x: draw_segmentation_examples(
        *examples(9)[:3], table_of(9).assign(**LONG), "U-Net 256, against every given mask"
    ),
    "resizing": lambda x: draw_resizing(x(50, 50), disc()),
    "nothing to resize": lambda x: draw_resizing(x(40, 40), disc()),
    "mask quality": lambda x: draw_mask_quality(quality_of(PARTS)),
    "one class": lambda x: draw_mask_quality(quality_of({"Viral Pneumonia": [2] * 3000 + [1]})),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_saves_alike_each_time_without_a_warning(name, pictures, png):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = png(DRAWINGS[name](pictures))
        with matplotlib.rc_context({"axes.titlesize": 30, "lines.linewidth": 9, "text.color": "r"}):
            second = png(DRAWINGS[name](pictures))
    assert first.startswith(b"\x89PNG")
    assert first == second


@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_written_is_cut_off_or_tiny(name, pictures):
    figure = DRAWINGS[name](pictures)
    figure.draw_without_rendering()
    page = figure.get_window_extent()
    hidden = {
        id(text) for axes in figure.axes if not axes.xaxis.get_visible()
        for text in axes.xaxis.findobj(Text)
    }  # fmt: skip
    for text in figure.findobj(Text):
        if not text.get_text().strip() or not text.get_visible() or id(text) in hidden:
            continue
        box = text.get_window_extent()
        assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1, text
        assert box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1, text
        assert text.get_fontsize() >= 8, text
        assert not text.get_parse_math(), text
