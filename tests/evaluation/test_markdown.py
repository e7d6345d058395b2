"""Markdown tables: a head, a rule, and a line per row."""

import re

import pandas as pd

from covid_xray.evaluation.markdown import markdown_table


def test_a_frame_becomes_a_table_without_its_index():
    cells = pd.DataFrame({"class": ["COVID", "Normal"], "ssim": ["0.91", "-"]}, index=[7, 3])
    assert markdown_table(cells) == (
        "| class | ssim |\n| --- | --- |\n| COVID | 0.91 |\n| Normal | - |"
    )


def test_a_frame_without_rows_is_a_head_and_a_rule():
    assert markdown_table(pd.DataFrame(columns=["a", "b", "c"])) == (
        "| a | b | c |\n| --- | --- | --- |"
    )


def test_numbers_are_written_as_they_are():
    line = markdown_table(pd.DataFrame({"n": [3], "share": [0.25]}).astype(object)).splitlines()[2]
    assert line == "| 3 | 0.25 |"


def test_a_bar_in_a_cell_opens_no_column():
    # Class names are names of folders, which may hold one.
    table = markdown_table(pd.DataFrame({"class": ["left|right"], "n": ["3"]}))
    columns = [len(re.split(r"(?<!\\)\|", line)) - 2 for line in table.splitlines()]
    assert columns == [2, 2, 2]
