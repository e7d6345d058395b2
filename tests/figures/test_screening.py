"""Screening: grey levels as counted, shares that add up, gazes and curves as the tables say."""

from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, StepPatch

from covid_xray.figures import theme
from covid_xray.figures.equalisation import draw_grey_levels, draw_masked_examples
from covid_xray.figures.screening import (
    draw_class_proportions,
    draw_lung_attribution,
    draw_screening_curves,
)

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]


def shown(axes):
    (image,) = axes.images
    return np.asarray(image.get_array())


def lines_of(axes, *labels):
    return {line.get_label(): line for line in axes.lines if line.get_label() in labels}


# --- Grey levels ----------------------------------------------------------------------------------


def examples(n, seed=0, classes=CLASSES):
    rng = np.random.default_rng(seed)
    return {
        label: rng.integers(10 * k, 100 + 40 * k, (n, 12, 9), dtype=np.uint8)
        for k, label in enumerate(classes)
    }


def level_shares(seed=0, classes=CLASSES):
    rng = np.random.default_rng(seed)
    return {label: rng.dirichlet(np.ones(256)) for label in classes}


def boxes(axes):
    """Of each box: its centre, colour, whisker ends, quartiles and median, from left to right."""
    found = []
    for patch in axes.patches:
        if not isinstance(patch, PathPatch):
            continue
        x, y = patch.get_path().vertices.T
        centre = (x.min() + x.max()) / 2
        own = [line for line in axes.lines if np.mean(line.get_xdata()) == pytest.approx(centre)]
        ends = [value for line in own for value in line.get_ydata()]
        (median,) = {
            float(line.get_ydata()[0]) for line in own if line.get_color() == theme.INK
        }  # fmt: skip
        found.append(
            (centre, to_hex(patch.get_edgecolor(), keep_alpha=False),
             [min(ends), y.min(), median, y.max(), max(ends)])
        )  # fmt: skip
    return sorted(found)


def expected_box(picture):
    """Whiskers end at the outermost pixels between the 1st and the 99th percentile."""
    pixels = sorted(picture.ravel().tolist())
    low, *quartiles, high = np.percentile(pixels, [1, 25, 50, 75, 99])
    inside = [value for value in pixels if low <= value <= high]
    return [inside[0], *quartiles, inside[-1]]


@pytest.mark.parametrize("n", [1, 2])
def test_a_box_holds_one_radiograph_in_its_class_s_colour(n):
    before, after = examples(n), examples(n, 1)
    figure = draw_grey_levels(before, after, {}, {})
    colours = theme.class_colours(CLASSES)
    for axes, drawn in zip(figure.axes[:2], (before, after), strict=True):
        found = boxes(axes)
        wanted = [(label, picture) for label in CLASSES for picture in drawn[label]]
        for (_, colour, values), (label, picture) in zip(found, wanted, strict=True):
            assert values == pytest.approx(expected_box(picture))
            assert colour == to_hex(colours[label])
        low, high = axes.get_ylim()
        assert low <= 0 and high >= 255


def test_boxes_of_a_class_stand_together_over_its_name():
    axes = draw_grey_levels(examples(2), examples(2), {}, {}).axes[0]
    centres = np.array([centre for centre, *_ in boxes(axes)]).reshape(4, 2)
    np.testing.assert_allclose(axes.get_xticks(), centres.mean(axis=1))
    names = [text.get_text().replace("\n", " ") for text in axes.get_xticklabels()]
    assert names == [theme.class_name(label) for label in CLASSES]
    within, between = np.diff(centres, axis=1), centres[1:, 0] - centres[:-1, 1]
    assert between.min() > 1.5 * within.max()
    left, right = axes.get_xlim()
    assert left < centres.min() - 0.35 and right > centres.max() + 0.35


def steps_of(axes):
    return {
        patch.get_label(): patch for patch in axes.patches if isinstance(patch, StepPatch)
    }  # fmt: skip


def test_lines_are_the_shares_of_eight_grey_levels_each():
    before, after = level_shares(), level_shares(1)
    figure = draw_grey_levels({}, {}, before, after)
    for axes, shares in zip(figure.axes[2:], (before, after), strict=True):
        drawn = steps_of(axes)
        assert list(drawn) == [theme.class_name(label) for label in CLASSES]
        for label, step in zip(CLASSES, drawn.values(), strict=True):
            heights, edges, _ = step.get_data()
            assert list(edges) == list(range(0, 257, 8))
            slow = [sum(shares[label][level] for level in range(k, k + 8)) for k in edges[:-1]]
            np.testing.assert_allclose(heights, slow)
            assert heights.sum() == pytest.approx(1)
        assert axes.get_ylim()[0] == 0
        assert axes.get_ylim()[1] >= max(step.get_data()[0].max() for step in drawn.values())


def test_before_and_after_have_one_scale():
    figure = draw_grey_levels(examples(1), examples(1), level_shares(), level_shares(1))
    assert [axes.get_title() for axes in figure.axes[:2]] == [
        "Before equalisation", "After equalisation"
    ]  # fmt: skip
    for left, right in (figure.axes[:2], figure.axes[2:]):
        assert left.get_ylim() == right.get_ylim()
        assert left.get_xlim() == right.get_xlim()


def test_classes_are_told_apart_by_line_as_well_as_by_colour():
    figure = draw_grey_levels({}, {}, level_shares(), level_shares())
    drawn = steps_of(figure.axes[2])
    cues = {
        label: (to_hex(step.get_edgecolor()), step.get_linestyle()) for label, step in drawn.items()
    }
    (legend,) = figure.legends
    named = {
        text.get_text(): handle
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }
    assert list(named) == [theme.class_name(label) for label in CLASSES]
    assert len({line for _, line in cues.values()}) == 4
    colours = theme.class_colours(CLASSES)
    for label, (name, (colour, line)) in zip(CLASSES, cues.items(), strict=True):
        handle = named[name]
        assert (to_hex(handle.get_color()), handle.get_linestyle()) == (colour, line)
        assert colour == to_hex(colours[label])


def test_a_class_without_examples_says_so_and_keeps_its_line():
    before = {**examples(2), "Normal": np.empty((0, 12, 9), np.uint8)}
    upper, _, lower, _ = draw_grey_levels(before, examples(2), level_shares(), {}).axes
    assert [text.get_text() for text in upper.texts] == ["no\nexamples"]
    assert len(boxes(upper)) == 6
    assert upper.texts[0].get_position()[0] == upper.get_xticks()[2]
    assert "Normal" in steps_of(lower)


@pytest.mark.parametrize("of_class", [{}, {"COVID": np.empty((0, 4, 4), np.uint8)}])
def test_no_radiographs_have_no_grey_levels(of_class, words):
    assert "no radiographs whose grey levels" in words(draw_grey_levels(of_class, of_class, {}, {}))


def test_shares_of_other_than_256_grey_levels_are_refused():
    with pytest.raises(ValueError, match="reshape"):
        draw_grey_levels({}, {}, {"COVID": np.full(255, 1 / 255)}, {})


# --- Masked examples ------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3])
def test_each_row_shows_the_four_stages_of_one_radiograph(n, pictures):
    stages = [pictures(n, 8, 8, seed=seed) for seed in range(4)]
    stages[2] %= 2
    figure = draw_masked_examples(*stages, [f"row-{k}" for k in range(n)])
    grid = np.array(figure.axes).reshape(n, 4)
    for k, row in enumerate(grid):
        for column, (axes, stage) in enumerate(zip(row, stages, strict=True)):
            assert np.array_equal(shown(axes), stage[k] * (255 if column == 2 else 1))
            assert axes.images[0].get_clim() == (0, 255)
        assert row[0].get_ylabel() == f"row-{k}"
    headings = [axes.get_title() for axes in grid[0]]
    assert headings == ["Radiograph", "Equalised", "Lung mask", "Lungs only"]


def test_stages_of_unlike_number_are_refused(pictures):
    stages = [pictures(n, 8, 8) for n in (2, 2, 1, 2)]
    with pytest.raises(ValueError, match="shorter"):
        draw_masked_examples(*stages, ["first", "second"])


def test_no_masked_radiographs_are_said_to_be_none(pictures, words):
    none = pictures(0, 8, 8)
    assert "No radiographs were equalised" in words(draw_masked_examples(*[none] * 4, []))


# --- Class proportions ----------------------------------------------------------------------------

FOUR = {"COVID": 3616, "Lung_Opacity": 6012, "Normal": 10192, "Viral Pneumonia": 1345}
TWO = {"COVID": 3616, "non-COVID": 17549}
PANELS = {
    "All classes, as they are": FOUR,
    "All classes, in balanced batches": dict.fromkeys(FOUR, 500),
    "COVID and the rest, as they are": TWO,
    "COVID and the rest, in balanced batches": {"COVID": 990, "non-COVID": 1010},
}


def test_bars_are_shares_on_one_scale_with_their_counts():
    figure = draw_class_proportions(PANELS)
    titles = [axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes]
    assert titles == list(PANELS)
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    for axes, of_class in zip(figure.axes, PANELS.values(), strict=True):
        bars = axes.containers[-1]
        total = sum(of_class.values())
        assert [bar.get_width() for bar in bars] == [n / total for n in of_class.values()]
        assert sum(bar.get_width() for bar in bars) == pytest.approx(1)
        assert axes.get_xlim()[1] >= 1 and axes.yaxis_inverted()
        names = [text.get_text() for text in axes.get_yticklabels()]
        assert names == [theme.class_name(label) for label in of_class]
    texts = [text.get_text() for text in figure.axes[2].texts]
    assert texts == ["3,616  (17.1%)", "17,549  (82.9%)"]


def test_a_class_has_its_colour_in_every_panel():
    figure = draw_class_proportions(PANELS)
    colours = {**theme.class_colours(FOUR), "non-COVID": theme.ALL}
    for axes, of_class in zip(figure.axes, PANELS.values(), strict=True):
        for bar, label in zip(axes.containers[-1], of_class, strict=True):
            assert to_hex(bar.get_facecolor()) == to_hex(colours[label])
    assert theme.class_colours(["a", "b", "non-COVID"])["non-COVID"] == theme.ALL


def test_panels_have_bars_of_about_one_thickness():
    figure = draw_class_proportions({"four": FOUR, "two": TWO, "one": {"COVID": 5}})
    figure.draw_without_rendering()
    heights = [
        {round(bar.get_window_extent().height) for bar in axes.containers[0]}
        for axes in figure.axes
    ]
    assert max(map(max, heights)) <= 1.25 * min(map(min, heights))


def test_a_panel_without_radiographs_says_so():
    full, empty = draw_class_proportions({"full": TWO, "empty": dict.fromkeys(TWO, 0)}).axes
    assert [text.get_text() for text in empty.texts] == ["no radiographs"]
    assert not empty.containers and full.containers


@pytest.mark.parametrize("counts", [{}, {"a": {}}, {"a": {"COVID": 0}, "b": {}}])
def test_nothing_counted_is_said_in_words(counts, words):
    assert "no radiographs" in words(draw_class_proportions(counts))


# --- Gaze -----------------------------------------------------------------------------------------


def attribution_of(models, labels=(*CLASSES, "all"), seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        [(model, label, 40 + k) for k, model in enumerate(models) for label in labels],
        columns=["model", "label", "n"],
    )
    inside = rng.uniform(0.2, 0.8, len(table))
    return table.assign(
        mass_inside=inside, mass_inside_low=inside - 0.03, mass_inside_high=inside + 0.05,
        lung_area=rng.uniform(0.15, 0.3, len(table)),
    )  # fmt: skip


def attribution_rows(axes, labels):
    """Of each line of a panel: its name, evidence, interval and area of the lungs."""
    names = [text.get_text() for text in axes.get_yticklabels()]
    points = [line for line in axes.lines if line.get_label() in labels]
    (area,) = [line for line in axes.lines if line.get_label().startswith("area of the lungs")]
    bars = [tuple(bar.get_segments()[0][:, 0]) for bar in axes.collections]
    values = [float(line.get_xdata()[0]) for line in points]
    assert [line.get_ydata()[0] for line in points] == list(range(len(names)))
    assert [bar.get_segments()[0][0, 1] for bar in axes.collections] == list(range(len(names)))
    assert list(area.get_ydata()) == list(range(len(names)))
    return list(zip(names, values, bars, area.get_xdata(), strict=True))


def test_a_line_has_evidence_interval_and_lung_area():
    table = attribution_of(["Xception", "CNN"])
    figure = draw_lung_attribution(table)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Xception", "CNN"]
    for axes, model in zip(figure.axes, ["Xception", "CNN"], strict=True):
        rows = table[table["model"] == model]
        found = attribution_rows(axes, set(rows["label"]))
        for (name, inside, interval, area), row in zip(found, rows.itertuples(), strict=True):
            wanted = "all classes" if row.label == "all" else theme.class_name(row.label)
            assert name == f"{wanted} (n = {row.n})"
            assert inside == row.mass_inside
            assert interval == (row.mass_inside_low, row.mass_inside_high)
            assert area == row.lung_area
        assert axes.get_xlim() == (0, 1)
        assert axes.yaxis_inverted()


def test_an_interval_beside_its_mean_is_drawn_as_it_is():
    table = attribution_of(["CNN"], ["COVID"]).assign(mass_inside_low=0.9, mass_inside_high=0.95)
    ((_, _, interval, _),) = attribution_rows(draw_lung_attribution(table).axes[0], {"COVID"})
    assert interval == (0.9, 0.95)


def test_labels_keep_their_colour_and_marker_and_all_is_neutral():
    colours = {**theme.class_colours(CLASSES), "all": theme.ALL}
    figure = draw_lung_attribution(attribution_of(["first", "second"]))
    for axes in figure.axes:
        points = lines_of(axes, *CLASSES, "all")
        assert {label: line.get_color() for label, line in points.items()} == colours
        assert len({line.get_marker() for line in points.values()}) == 5
        for line, bar in zip(points.values(), axes.collections, strict=True):
            assert to_hex(bar.get_color()[0]) == to_hex(line.get_color())
        for line in axes.lines:
            if line.get_label() not in points:
                assert (line.get_marker(), line.get_color()) == ("|", theme.INK)


def test_the_legend_names_evidence_and_chance():
    (legend,) = draw_lung_attribution(attribution_of(["CNN"])).legends
    point, tick = legend.legend_handles
    evidence, area = (text.get_text() for text in legend.get_texts())
    assert "inside the lungs" in evidence and point.get_marker() == "o"
    assert "evidence everywhere alike" in area and tick.get_marker() == "|"


def test_rows_without_evidence_are_named_as_such():
    table = attribution_of(["first", "second"])
    shares = ["mass_inside", "mass_inside_low", "mass_inside_high", "lung_area"]
    table.loc[2, shares] = np.nan
    first, second = draw_lung_attribution(table).axes
    (text,) = first.texts
    assert (text.get_text(), text.get_position()[1]) == ("no evidence", 2)
    assert list(lines_of(first, *CLASSES, "all")) == ["COVID", "Lung_Opacity", *CLASSES[3:], "all"]
    assert len(first.collections) == 4
    assert not second.texts


def test_no_explained_model_is_said_to_be_none(words):
    assert "No model was explained" in words(draw_lung_attribution(attribution_of([])))


# --- Curves ---------------------------------------------------------------------------------------


def view(seed=0, n=60, prevalence=0.3, shift=1.0):
    """Scores with many ties; every fifth radiograph is in the validation split."""
    rng = np.random.default_rng(seed)
    positive = np.arange(n) < prevalence * n
    return pd.DataFrame(
        {
            "split": np.where(np.arange(n) % 5, "test", "validation"),
            "is_positive": positive,
            "score": np.round(1 / (1 + np.exp(-rng.normal(shift * (2 * positive - 1)))), 2),
        }
    ).sample(frac=1, random_state=seed)


def points_of(models):
    return pd.DataFrame(
        {
            "model": models,
            "sensitivity": [0.9 - 0.03 * k for k in range(len(models))],
            "specificity": [0.7 + 0.02 * k for k in range(len(models))],
        }
    )


def slow_curves(table):
    """Points of both curves, counted at every threshold (specification of what is drawn)."""
    test = table[table["split"] == "test"]
    pairs = list(zip(test["is_positive"], test["score"], strict=True))
    n_positive = sum(positive for positive, _ in pairs)
    roc, precision_recall = {(0.0, 0.0)}, {(0.0, 1.0)}
    for threshold in {score for _, score in pairs}:
        taken = [positive for positive, score in pairs if score >= threshold]
        recall = sum(taken) / n_positive
        roc.add(((len(taken) - sum(taken)) / (len(pairs) - n_positive), recall))
        precision_recall.add((recall, sum(taken) / len(taken)))
    return roc, precision_recall


def curve(axes, model):
    return lines_of(axes, model)[model].get_xydata()


def close_to(drawn, expected):
    """Whether every point drawn is one of those expected, and the reverse."""
    distance = np.abs(np.array(drawn)[:, None] - np.array(sorted(expected))).max(axis=2)
    return distance.min(axis=0).max() < 1e-9 and distance.min(axis=1).max() < 1e-9


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9), st.floats(-2, 4))
@settings(deadline=None, max_examples=5)
def test_curves_go_through_every_threshold_of_the_test_split(seed, prevalence, shift):
    table = view(seed, 60, prevalence, shift)
    roc, precision_recall = draw_screening_curves({"CNN": table}, points_of([])).axes
    for axes, expected in zip((roc, precision_recall), slow_curves(table), strict=True):
        assert close_to(curve(axes, "CNN"), expected)
    assert (np.diff(curve(roc, "CNN"), axis=0) >= 0).all()
    assert (np.diff(curve(precision_recall, "CNN")[:, 0]) <= 0).all()
    # Between two thresholds a precision holds down to the next recall, it does not slope.
    (steps,) = lines_of(precision_recall, "CNN").values()
    assert steps.get_drawstyle() == "steps-post"


def test_reference_lines_are_the_diagonal_and_the_prevalence():
    table = view()
    share = table.loc[table["split"] == "test", "is_positive"].mean()
    figure = draw_screening_curves({"a": table, "b": table.sample(frac=1)}, points_of([]))
    for axes, ends in zip(figure.axes, ([[0, 0], [1, 1]], [[0, share], [1, share]]), strict=True):
        guessing = [line for line in axes.lines if line.get_label() == "guessing"]
        assert len(guessing) == 1
        np.testing.assert_allclose(guessing[0].get_xydata(), ends)
    assert f"prevalence {share:.1%}" in figure.axes[1].texts[0].get_text()


def test_models_have_each_their_own_prevalence():
    views = {"a": view(), "b": view(prevalence=0.6)}
    axes = draw_screening_curves(views, points_of([])).axes[1]
    heights = [line.get_ydata()[0] for line in axes.lines if line.get_label() == "guessing"]
    wanted = [table.loc[table["split"] == "test", "is_positive"].mean() for table in views.values()]
    assert heights == sorted(wanted)


def test_an_operating_point_has_the_look_of_its_model():
    models = [f"model {k}" for k in range(10)]
    views = {model: view(k) for k, model in enumerate(models)}
    points = points_of(models).sample(frac=1, random_state=0)
    roc, _ = draw_screening_curves(views, points).axes
    cues = theme.model_cues(models)
    for point in points.itertuples():
        name = f"operating point of {point.model}"
        marker, line = lines_of(roc, name)[name], lines_of(roc, point.model)[point.model]
        np.testing.assert_allclose(
            marker.get_xydata(), [[1 - point.specificity, point.sensitivity]]
        )
        assert (marker.get_color(), marker.get_marker()) == cues[point.model][:2]
        assert (line.get_color(), line.get_linestyle()) == cues[point.model][::2]
        assert marker.get_zorder() > line.get_zorder()


def test_the_corner_of_the_roc_is_enlarged_in_a_free_place():
    models = ["first", "second"]
    views = {model: view(k) for k, model in enumerate(models)}
    roc, _ = draw_screening_curves(views, points_of(models)).axes
    (corner,) = roc.child_axes
    names = [*models, *(f"operating point of {model}" for model in models)]
    for name in names:
        np.testing.assert_array_equal(curve(corner, name), curve(roc, name))
    assert corner.get_xlim() == (-0.01, 0.25) and corner.get_ylim() == (0.75, 1.01)
    roc.figure.draw_without_rendering()
    # No curve of a model that is better than guessing runs below the diagonal.
    (left, _), (_, top) = roc.transData.inverted().transform(corner.get_window_extent())
    assert left > top


def test_the_legend_names_models_with_the_look_of_curves():
    models = ["zeta", "alpha", "$odd$ _name_", "mid"]
    figure = draw_screening_curves({model: view() for model in models}, points_of(models[:3]))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == models
    markers = [handle.get_marker() for handle in legend.legend_handles]
    assert markers == [cue.marker for cue in theme.model_cues(models).values()]
    for axes in figure.axes:
        for handle, line in zip(
            legend.legend_handles, lines_of(axes, *models).values(), strict=True
        ):
            assert (handle.get_color(), handle.get_linestyle()) == (
                line.get_color(), line.get_linestyle()
            )  # fmt: skip
    figure.draw_without_rendering()
    assert legend.get_window_extent().y1 < min(axes.get_window_extent().y0 for axes in figure.axes)


@given(st.integers(1, 28))
def test_models_are_told_apart_by_colour_and_by_line_or_marker(n):
    models = [f"model {k}" for k in range(n)]
    cues = theme.model_cues(models)
    assert list(cues) == models
    for one, other in pairwise(cues.values()):
        assert not set(one) & set(other)
    for one, other in combinations(cues.values(), 2):
        assert one[::2] != other[::2]
        assert one[:2] != other[:2]
    # Also for who sees no colour: no line is worn by more than its share of the models.
    assert max(Counter(line for *_, line in cues.values()).values()) <= -(-n // 4)


def test_a_model_with_one_side_has_no_curve(words):
    views = {"both": view(), "lacking": view().assign(is_positive=True), "empty": view().iloc[:0]}
    figure = draw_screening_curves(views, points_of(["both"]))
    assert "radiographs: lacking, empty" in words(figure).replace("\n", " ")
    assert not lines_of(figure.axes[0], "lacking", "empty")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["both"]


def test_a_point_of_no_model_is_refused():
    with pytest.raises(KeyError, match="other"):
        draw_screening_curves({"CNN": view()}, points_of(["other"]))


@pytest.mark.parametrize(
    "views", [{}, {"CNN": view().assign(split="validation")}, {"CNN": view(prevalence=0)}]
)
def test_no_curves_are_said_to_be_none(views, words):
    said = words(draw_screening_curves(views, points_of([])))
    assert "there are no curves" in said.replace("\n", " ")
