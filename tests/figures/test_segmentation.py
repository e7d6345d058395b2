"""Lung masks: outlines on their edges, errors where they are, and the sizes and scores given."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb

from covid_xray.figures import theme
from covid_xray.figures.distributions import draw_distribution
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
def test_an_outline_runs_along_every_edge_of_the_mask(mask):
    lines = outline(mask)
    assert {tuple(point) for line in lines for point in line.tolist()} == edges_of(mask)
    # Also those of a mask that reaches the edge of the picture.
    assert all(np.array_equal(line[0], line[-1]) for line in lines)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 255]))
@settings(deadline=None, max_examples=30)
def test_an_error_has_the_colour_of_the_mask_alone_there(seed, one):
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


def test_ranks_are_rows_from_best_to_worst():
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


def test_a_rank_that_has_no_row_is_refused():
    with pytest.raises(KeyError, match="wrost"):
        draw_segmentation_examples(*examples(1, ["wrost"]))
    pixels, true, predicted, table = examples(3)
    with pytest.raises(ValueError, match="shorter"):
        draw_segmentation_examples(pixels, true, predicted, table.iloc[:2])


def test_the_legend_names_both_outlines_in_their_colours(words):
    figure = draw_segmentation_examples(*examples(3))
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    colours = [to_hex(handle.get_color()) for handle in legend.legend_handles]
    assert texts == ["true mask", "predicted mask"]
    assert colours == [to_hex(theme.MASK), to_hex(theme.STUDY)]
    assert "what only one mask takes for lung, in its colour" in words(figure).replace("\n", " ")


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


def drawn_masks(axes):
    """Points of each outline of an axes."""
    return [
        {tuple(point) for path in lines.get_paths() for point in path.vertices.tolist()}
        for lines in axes.collections
    ]


@pytest.mark.parametrize(("height", "width"), [(45, 50), (30, 50), (30, 30)])
def test_before_resizing_pixel_lies_on_pixel(height, width, pictures, words):
    pixels, mask = pictures(height, width), disc(40, 18)
    figure = draw_resizing(pixels, mask)
    before, after = figure.axes
    assert np.array_equal(shown(before), pixels)
    assert np.array_equal(shown(after), resize_radiograph(pixels, 40))
    assert drawn_masks(before) == [edges_of(mask), edges_of(np.ones_like(mask))]
    assert drawn_masks(after) == [edges_of(mask)]
    assert before.get_title() == f"Before\nradiograph {width} × {height}, mask 40 × 40"
    assert after.get_title() == "After\nradiograph 40 × 40, mask 40 × 40"
    assert before.get_xlim() == (-0.5, width - 0.5)
    assert "dashed" in words(figure)


@pytest.mark.parametrize("shape", [(40, 40), (40, 30)])
def test_a_pair_of_one_size_needs_no_resizing(shape, pictures, words):
    pixels, mask = pictures(*shape), disc()[:, : shape[1]]
    figure = draw_resizing(pixels, mask)
    assert "Both came in one size: there was nothing to resize" in words(figure)
    for axes in figure.axes:
        assert np.array_equal(shown(axes), pixels)
        assert drawn_masks(axes) == [edges_of(mask)]


def test_a_mask_that_is_no_square_is_stretched_to_one(pictures):
    mask = np.zeros((20, 40), np.uint8)
    mask[:, 20:] = 1
    pixels = pictures(30, 30)
    before, after = draw_resizing(pixels, mask).axes
    square = np.repeat([[0] * 10 + [1] * 10], 20, axis=0)
    assert np.array_equal(shown(after), resize_radiograph(pixels, 20))
    assert drawn_masks(after) == [edges_of(square)]
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


def test_bars_are_shares_of_masks_with_two_parts():
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
