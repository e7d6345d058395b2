"""Pages: cells that stand beside the published, notes, figures, and headings of every level."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from covid_xray import pages
from covid_xray.absence import NotMade
from covid_xray.datasets import PageDataset
from covid_xray.origin import origin_of

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


AWKWARD = [
    "<b>x</b>|*y*",
    "_x_ and __y__",
    "a\\|b\\",
    "`code` ~~gone~~",
    "[a link](evil.md)",
    "![a picture](evil.png)",
    "&lt; &#42; R&D",
    "<script>alert(1)</script>",
    "Lung_Opacity_2",
]


def texts_of(page):
    """The texts that a reader sees, and the tags of the page's HTML."""
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(page)
    reader = _Reader()
    reader.feed(html)
    return reader.texts, reader.tags


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.texts, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.texts.append("")

    def handle_data(self, data):
        self.texts[-1] += data.strip("\n")


@pytest.mark.parametrize("name", AWKWARD)
def test_names_are_read_as_they_are(name):
    frame = pd.DataFrame({"label": [name, name], "n": [1, 2], "note": ["", f"{name} is rare"]})
    texts, tags = texts_of(
        pages.page(
            "Title",
            pages.table(frame, {"label": "", "n": ""}),
            pages.counts(frame, ["label"]),
            pages.notes(frame, "label"),
        )
    )
    assert texts.count(name) == 3
    assert f"label {name}: {name} is rare" in texts
    assert tags == {"h1", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}


def test_a_name_of_two_lines_stays_in_its_cell():
    frame = pd.DataFrame({"label": ["two\nlines"], "n": [1]})
    assert cells(pages.table(frame, {"label": "", "n": ""})) == [["two lines", "1"]]


def test_a_page_names_its_study_as_it_is(tmp_path):
    dataset = PageDataset(filepath=str(tmp_path / "page.md"))
    dataset.origin = origin_of("<b>*my*_study_", "3 files", {"protocol": "leak_free", "seed": 1})
    dataset.save(pages.page("Title", "words"))
    texts, _ = texts_of((tmp_path / "page.md").read_text("utf-8"))
    assert texts[-1].startswith("Study: <b>*my*_study_ (3 files).")


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


def test_blocks_that_need_an_absent_output_give_the_reason():
    absent = NotMade("no masks in <a_b>.")
    write = lambda table: (f"{len(table)} rows",)  # noqa: E731
    assert pages.where_made(write, SCORES) == ("2 rows",)
    assert pages.where_made(write, absent) == ["Not made: no masks in &lt;a_b>."]


def test_absent_figures_are_named_together_with_their_reason():
    shown = {"a": Path("a.png"), "b": NotMade("no masks."), "c": NotMade("no masks.")}
    assert pages.figures(shown) == "![a](a.png)\n\n`b`, `c`: not made: no masks."
