"""Pages: cells that stand beside the published, notes, figures, and headings of every level."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from covid_xray import pages

SCORES = pd.DataFrame(
    {
        "model": ["CNN", "Xception"],
        "n": [12.0, np.nan],
        "recall": [0.905, np.nan],
        "recall_low": [0.85, np.nan],
        "recall_high": [0.951, np.nan],
        "recall_published": [np.nan, 0.96],
        "note": ["", "too few"],
    }
)


def cells(table):
    """The rows of a table below its head, as lists of cells."""
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def test_a_cell_is_value_interval_and_published():
    shown = pages.table(SCORES, {"model": "", "n": "", "recall": ".1%"}, {"n": "radiographs"})
    assert shown.splitlines()[:2] == ["| model | radiographs | recall |", "| --- | --- | --- |"]
    assert cells(shown) == [["CNN", "12", "90.5% [85.0-95.1]"], ["Xception", "", "n/a (96.0%)"]]


def test_long_tables_have_plain_names_beside_their_value():
    frame = pd.DataFrame({"value": [0.5], "low": [0.25], "high": [0.75], "published": [0.6]})
    assert cells(pages.table(frame, {"value": ".2f"})) == [["0.50 [0.25-0.75] (0.60)"]]


def test_a_form_may_be_a_function():
    frame = pd.DataFrame({"p": [0.04321, 1e-9], "p_published": [0.05, np.nan]})
    assert cells(pages.table(frame, {"p": pages.p_value})) == [["0.0432 (0.0500)"], ["1.0e-09"]]


def test_a_bar_in_a_cell_opens_no_column():
    # Class names are names of folders, which may hold one.
    assert cells(
        pages.table(pd.DataFrame({"class": ["left|right"], "n": [3]}), {"class": "", "n": ""})
    ) == [["left\\|right", "3"]]


def test_a_frame_without_rows_is_a_head_and_a_rule():
    assert pages.table(SCORES[:0], {"model": "", "n": ""}) == "| model | n |\n| --- | --- |"


def test_each_note_stands_once_with_all_its_rows():
    frame = pd.DataFrame(
        {"threshold": [10.0, 20.0, 30.0, 40.0], "note": ["few", np.nan, "few", "none"]}
    )
    assert pages.notes(frame, "threshold") == "- threshold 10, 30: few\n- threshold 40: none"
    assert pages.notes(SCORES[:1], "model") == ""


def test_rows_are_counted_by_value():
    frame = pd.DataFrame({"label": ["COVID", "Normal", "COVID"], "split": ["test"] * 3})
    assert cells(pages.counts(frame, ["label", "split"])) == [
        ["COVID", "test", "2"],
        ["Normal", "test", "1"],
    ]
    assert pages.counts(frame[:0], ["label"]) == "None."


def test_pictures_are_shown_and_interactive_figures_linked():
    shown = pages.figures({"figure_2": Path("data/reports/figure_2.png"), "figure_1": object()})
    assert shown == "![figure_2](figure_2.png)\n\n[figure_1](figure_1.json)"


@pytest.mark.parametrize("empty", ["", pages.bullets([]), pages.figures({})])
def test_empty_blocks_leave_no_gap(empty):
    text = pages.page("Title", empty, pages.section("Part", "words", empty, level=2))
    assert text == "# Title\n\n## Part\n\nwords\n"
