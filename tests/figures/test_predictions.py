"""Figures of predictions: bars that add up to the radiographs, cells and lines as in the table."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.patches import StepPatch

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import confusion_shares
from covid_xray.figures import theme
from covid_xray.figures.predictions import (
    draw_class_weight_scores,
    draw_confidence,
    draw_confusion_matrices,
    draw_threshold_scores,
)

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
WEIGHT_SCORES = {
    "recall_covid": "COVID recall",
    "precision_covid": "COVID precision",
    "f1_score_covid": "COVID F1",
    "f1_score": "F1, all classes",
}
INTERVALS = Intervals(n_resamples=100, confidence=0.95, seed=1)


def predictions(seed=0, sizes=(36, 60, 102, 13), classes=CLASSES):
    """Predictions of held-out radiographs, every fifth of them in the validation split."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(classes)), sizes)
    logits = rng.normal(0, 2, (len(codes), len(classes)))
    logits[np.arange(len(codes)), codes] += 3
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = pd.DataFrame(
        {
            "image_id": [f"image-{i}" for i in range(len(codes))],
            "split": np.where(np.arange(len(codes)) % 5, "test", "validation"),
            "label": np.array(classes)[codes],
            "predicted": np.array(classes)[shares.argmax(axis=1)],
        }
    )
    columns = {f"probability_{name}": shares[:, i] for i, name in enumerate(classes)}
    return table.assign(**columns).astype(dict.fromkeys(columns, "float32"))


def hand_written(rows):
    """Predictions of two classes, given as (true, predicted, probability of `a`)."""
    table = pd.DataFrame(rows, columns=["label", "predicted", "probability_a"])
    return table.assign(split="test", probability_b=1 - table["probability_a"])


def heights(axes):
    """Heights of the stacked bars per predicted class."""
    return {named(bars): [bar.get_height() for bar in bars] for bars in axes.containers}


def named(bars):
    """The predicted class of a stack of bars."""
    return bars[0].get_label().removeprefix("predicted ")


def steps(axes):
    return [patch.get_data()[0] for patch in axes.patches if isinstance(patch, StepPatch)]


def panels(figure, n_models, n_classes):
    return np.array(figure.axes).reshape(n_models, 2, n_classes)


# --- Confidence -----------------------------------------------------------------------------------


def test_each_bar_is_counted_in_its_bin():
    table = hand_written(
        [("a", "a", 0.95), ("a", "a", 0.97), ("a", "a", 0.55), ("a", "b", 0.15), ("b", "b", 0.25)]
    )
    above, below = panels(draw_confidence({"model": table}), 1, 2)[0]
    assert heights(above[0]) == {"a": [0, 0, 0, 0, 0, 1, 0, 0, 0, 2]}
    assert heights(above[1]) == {"b": [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]}
    # Taken for b with 0.85, which left 0.15 for a.
    assert heights(below[0]) == {"b": [0, 0, 0, 0, 0, 0, 0, 0, 1, 0]}
    assert [list(values) for values in steps(below[0])] == [[0, 1, 0, 0, 0, 0, 0, 0, 0, 0]]
    assert heights(below[1]) == {} and not steps(below[1])


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=5)
def test_bars_and_steps_add_up_to_the_test_radiographs(seed):
    models = {"one": predictions(seed), "two": predictions(seed + 1)}
    grid = panels(draw_confidence(models), 2, 4)
    for rows, table in zip(grid, models.values(), strict=True):
        test = table[table["split"] == "test"]
        for right, wrong, label in zip(*rows, CLASSES, strict=True):
            names = test[test["label"] == label]["predicted"].map(theme.class_name)
            taken_for = names.value_counts().to_dict()
            name = theme.class_name(label)
            n_right = taken_for.pop(name, 0)
            assert {name: sum(bars) for name, bars in heights(right).items()} == {name: n_right}
            assert {name: sum(bars) for name, bars in heights(wrong).items()} == taken_for
            n_wrong = sum(taken_for.values())
            assert sum(values.sum() for values in steps(wrong)) == n_wrong
            assert [text.get_text() for text in right.texts] == [f"{n_right:,} right"]
            assert [text.get_text() for text in wrong.texts] == [f"{n_wrong:,} wrong"]


def test_predictions_wear_the_colour_of_their_class():
    colours = {
        theme.class_name(name): colour for name, colour in theme.class_colours(CLASSES).items()
    }
    grid = panels(draw_confidence({"model": predictions()}), 1, 4)
    for axes in grid.flat:
        tops = np.zeros(10)
        for bars in axes.containers:
            assert {to_hex(bar.get_facecolor()).upper() for bar in bars} == {
                colours[named(bars)].upper()
            }
            np.testing.assert_allclose([bar.get_y() for bar in bars], tops)
            tops += [bar.get_height() for bar in bars]
        assert axes.get_ylim()[1] > tops.max()


def test_a_probability_rounded_above_one_is_in_the_last_bin():
    table = hand_written([("a", "a", 1 + 1e-7)])
    (above, _) = panels(draw_confidence({"model": table}), 1, 2)[0]
    assert heights(above[0])["a"][-1] == 1


def test_rows_are_models_and_columns_classes(words):
    figure = draw_confidence({"first": predictions(), "second": predictions(1)})
    grid = panels(figure, 2, 4)
    assert [axes.get_title().replace("\n", " ") for axes in grid[0, 0]] == [
        f"true class: {theme.class_name(label)}" for label in CLASSES
    ]
    assert [axes.get_ylabel() for axes in grid[:, 0, 0]] == ["first\nright", "second\nright"]
    assert [axes.get_ylabel() for axes in grid[:, 1, 0]] == ["wrong", "wrong"]
    assert "predicted Lung Opacity" in words(figure)


def test_a_class_that_a_model_lacks_has_empty_panels():
    models = {"four": predictions(), "two": predictions(1, (20, 30), ["COVID", "Normal"])}
    grid = panels(draw_confidence(models), 2, 4)
    lacking = grid[1, :, CLASSES.index("Viral Pneumonia")]
    assert [axes.texts[0].get_text() for axes in lacking] == ["0 right", "0 wrong"]


@pytest.mark.parametrize("models", [{}, {"model": predictions().assign(split="validation")}])
def test_no_test_radiographs_are_said_to_be_none(models, words):
    assert "No model has predicted a test radiograph" in words(draw_confidence(models))


# --- Confusion ------------------------------------------------------------------------------------


def test_cells_say_share_interval_and_count():
    tables = {f"model {k}": confusion_shares(predictions(k), INTERVALS) for k in range(3)}
    figure = draw_confusion_matrices(tables)
    assert [axes.get_title() for axes in figure.axes] == list(tables)
    for axes, table in zip(figure.axes, tables.values(), strict=True):
        (image,) = axes.images
        np.testing.assert_allclose(image.get_array().ravel(), table["share"])
        assert image.get_clim() == (0, 1)
        cells = {text.get_position(): text.get_text() for text in axes.texts}
        for row in table.itertuples():
            place = (CLASSES.index(row.predicted), CLASSES.index(row.label))
            share, interval, count = cells[place].split("\n")
            assert share == f"{row.share:.1%}"
            assert interval == f"{100 * row.low:.1f}–{100 * row.high:.1f}"
            assert count == str(row.count)
        counts = table.groupby("label")["count"].sum()
        ticks = [text.get_text().splitlines()[-1] for text in axes.get_yticklabels()]
        assert ticks == [f"n = {counts[label]}" for label in CLASSES]


def test_text_is_light_on_dark_cells_and_dark_on_light_ones():
    table = confusion_shares(predictions(), INTERVALS)
    axes = draw_confusion_matrices({"model": table}).axes[0]
    for text, share in zip(axes.texts, table["share"], strict=True):
        expected = theme.PAPER if share > 0.75 else theme.INK if share < 0.4 else text.get_color()
        assert text.get_color() == expected


def test_a_class_without_radiographs_says_so():
    table = confusion_shares(predictions(sizes=(36, 0, 102, 13)), INTERVALS)
    texts = [text.get_text() for text in draw_confusion_matrices({"m": table}).axes[0].texts]
    assert texts[4:8] == ["no\nradiographs"] * 4
    assert "no\nradiographs" not in texts[:4] + texts[8:]


def test_no_matrices_are_said_to_be_none(words):
    assert "No model" in words(draw_confusion_matrices({}))


# --- Scores by weight and by threshold ------------------------------------------------------------


def score_table(x, values, names, seed=0):
    rng = np.random.default_rng(seed)
    columns = {}
    for name in names:
        score = rng.uniform(0.8, 0.95, len(values))
        columns |= {name: score, f"{name}_low": score - 0.02, f"{name}_high": score + 0.03}
    return pd.DataFrame({x: values} | columns)


def weights(*values):
    return score_table("covid_weight", list(values), WEIGHT_SCORES)


def thresholds(*values):
    table = score_table("threshold", list(values), ["accuracy", "f1_score"])
    return table.assign(n_train=[1500 - 10 * value for value in values])


def assert_lines_and_intervals(axes, table, x, names):
    lines = {line.get_label(): line for line in axes.lines}
    bars = [item for item in axes.collections if isinstance(item, LineCollection)]
    assert list(lines) == list(names.values()) and len(bars) == len(names)
    rows = table.sort_values(x)
    for (column, name), bar in zip(names.items(), bars, strict=True):
        np.testing.assert_allclose(lines[name].get_ydata(), rows[column])
        # Set apart sideways by far less than the distance between two points.
        assert np.abs(lines[name].get_xdata() - rows[x]).max() < 0.03 * np.ptp(rows[x])
        ends = np.array([segment[:, 1] for segment in bar.get_segments()])
        np.testing.assert_allclose(ends, rows[[f"{column}_low", f"{column}_high"]])
        at = [segment[0, 0] for segment in bar.get_segments()]
        np.testing.assert_allclose(at, lines[name].get_xdata())


def test_scores_by_weight_are_those_of_the_table():
    table = weights(3, 1, 9, 2)
    axes = draw_class_weight_scores(table).axes[0]
    assert_lines_and_intervals(axes, table, "covid_weight", WEIGHT_SCORES)
    assert [text.get_text() for text in axes.texts] == list(WEIGHT_SCORES.values())
    assert len({line.get_color() for line in axes.lines}) == 4


@pytest.mark.parametrize("values", [(2,), (1, 2), (1, 2, 3), (1, 3, 9, 15)])
def test_weights_have_integer_ticks(values):
    axes = draw_class_weight_scores(weights(*values)).axes[0]
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks and all(tick == round(tick) for tick in ticks)
    assert low < min(values) and high > max(values)


def test_an_interval_beside_its_score_is_drawn_as_it_is():
    table = weights(1, 2, 3).assign(recall_covid_low=0.96, recall_covid_high=0.97)
    axes = draw_class_weight_scores(table).axes[0]
    assert_lines_and_intervals(axes, table, "covid_weight", WEIGHT_SCORES)


def test_scores_by_threshold_stand_over_training_sizes():
    table = thresholds(50, 0, 30)
    upper, lower = draw_threshold_scores(table).axes
    names = {"accuracy": "accuracy", "f1_score": "F1, all classes"}
    assert_lines_and_intervals(upper, table, "threshold", names)
    (bars,) = lower.containers
    tops = [(bar.get_center()[0], bar.get_height()) for bar in bars]
    assert tops == [(0, 1500), (30, 1200), (50, 1000)]
    assert [text.get_text() for text in lower.texts] == ["1,500", "1,200", "1,000"]
    assert [text.get_text() for text in lower.get_xticklabels()] == ["no\nfilter", "30", "50"]
    assert upper.get_xlim() == lower.get_xlim()


def test_nothing_to_plot_is_said_in_words(words):
    assert "No model was trained" in words(draw_class_weight_scores(weights().head(0)))
    assert "No model was trained" in words(draw_threshold_scores(thresholds().head(0)))
