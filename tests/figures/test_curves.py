"""Learning curves: the numbers of the history, and the epoch of the lowest validation loss."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.figures.curves import draw_learning_curves


def history(val_loss, accuracy=False):
    val_loss = np.array(val_loss, float)
    table = pd.DataFrame(
        {"epoch": np.arange(1, len(val_loss) + 1), "loss": val_loss / 2, "val_loss": val_loss},
        index=range(20, 20 + len(val_loss)),
    )
    if accuracy:
        return table.assign(accuracy=1 - table["loss"] / 4, val_accuracy=1 - table["val_loss"] / 4)
    return table


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def test_the_best_epoch_has_the_lowest_validation_loss():
    histories = {"first": history([0.9, 0.3, 0.5], True), "second": history([2, 1.5, 1.0], True)}
    figure = draw_learning_curves(histories)
    grid = np.array(figure.axes).reshape(2, 2)
    for column, (model, table) in zip(grid.T, histories.items(), strict=True):
        assert column[0].get_title() == model
        best = table.loc[table["val_loss"].idxmin()]
        for axes, metric in zip(column, ("loss", "accuracy"), strict=True):
            drawn = lines(axes)
            np.testing.assert_allclose(drawn["training"].get_ydata(), table[metric])
            np.testing.assert_allclose(drawn["validation"].get_ydata(), table[f"val_{metric}"])
            np.testing.assert_allclose(drawn["validation"].get_xdata(), table["epoch"])
            mark = drawn["lowest validation loss"]
            assert list(mark.get_xdata()) == [best["epoch"]]
            assert list(mark.get_ydata()) == [best[f"val_{metric}"]]
            assert [text.get_text() for text in axes.texts] == [f"epoch {best['epoch']:.0f}"]


def test_without_accuracy_there_is_one_row():
    figure = draw_learning_curves({"a": history([3, 2, 1]), "b": history([1, 2, 3])})
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "loss"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["epoch", "epoch"]


def test_a_model_without_accuracy_leaves_its_panel_out():
    figure = draw_learning_curves({"a": history([3, 2, 1]), "b": history([1, 2, 3], True)})
    grid = np.array(figure.axes).reshape(2, 2)
    assert not grid[1, 0].axison
    assert grid[0, 0].get_xlabel() == grid[1, 1].get_xlabel() == "epoch"
    assert grid[1, 1].get_ylabel() == "accuracy"


@pytest.mark.parametrize("val_loss", [[np.nan, np.nan], [0.4], [np.nan, 0.3, 0.5]])
def test_diverged_and_one_epoch_runs_are_drawn(val_loss, png):
    figure = draw_learning_curves({"model": history(val_loss)})
    marks = [line for line in figure.axes[0].lines if "lowest" in line.get_label()]
    assert len(marks) == int(np.isfinite(val_loss).any())
    if marks:
        assert marks[0].get_xdata()[0] == np.nanargmin(val_loss) + 1
    png(figure)


def test_no_models_are_said_to_be_none(words):
    assert "No model" in words(draw_learning_curves({}))


def with_dice(table):
    return table.assign(dice=1 - table["loss"] / 5, val_dice=1 - table["val_loss"] / 5)


def test_a_model_measured_by_dice_has_its_dice_drawn():
    table = with_dice(history([0.9, 0.3, 0.5]))
    top, bottom = draw_learning_curves({"U-Net": table}).axes
    assert [top.get_ylabel(), bottom.get_ylabel()] == ["loss", "dice"]
    drawn = lines(bottom)
    np.testing.assert_allclose(drawn["training"].get_ydata(), table["dice"])
    np.testing.assert_allclose(drawn["validation"].get_ydata(), table["val_dice"])
    mark = drawn["lowest validation loss"]
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([2], [table["val_dice"].iloc[1]])


def test_only_the_first_metric_with_a_validation_is_drawn():
    # Neither the learning rate nor a metric of the training alone has two lines to compare.
    table = history([3, 2, 1]).assign(learning_rate=0.1, dice=0.5)
    assert len(draw_learning_curves({"model": table}).axes) == 1
    both = with_dice(history([3, 2, 1], True).assign(precision=0.5))
    figure = draw_learning_curves({"model": both})
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]


def test_each_model_has_its_own_metric_under_its_loss(png):
    figure = draw_learning_curves(
        {"CNN": history([3, 2, 1], True), "U-Net": with_dice(history([1, 2, 3]))}
    )
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "loss", "accuracy", "dice"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "epoch", "epoch"]
    png(figure)


def test_a_note_stands_under_the_name_of_its_model():
    histories = {"first": history([3, 2, 1], True), "second": history([1, 2, 3], True)}
    note = "overfits: growing accuracy gap / diverging losses"
    figure = draw_learning_curves(histories, {"second": note, "nobody": "overfits"})
    first, second = (axes.get_title() for axes in figure.axes[:2])
    assert first == "first"
    assert second.splitlines()[0] == "second"
    assert " ".join(second.splitlines()[1:]) == note
    assert [axes.get_title() for axes in figure.axes[2:]] == ["", ""]


@pytest.mark.parametrize("notes", [None, {}, {"first": ""}])
def test_without_notes_titles_are_names(notes):
    figure = draw_learning_curves({"first": history([3, 2, 1])}, notes)
    assert figure.axes[0].get_title() == "first"
