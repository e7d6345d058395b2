"""Pages of results as Markdown: sections, tables that stand beside the published, notes, figures.

A page is built from blocks of text; a block that is empty is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from covid_xray.absence import NotMade

# How a value is written: a format specification (".1%"), or a function; `str` keeps Markdown.
Form = str | Callable[[Any], str]
Forms = Mapping[str, Form]
AS_IT_IS = ""
MISSING = "n/a"
SCORES_NOTE = (
    "Scores on the held-out test radiographs, every class weighing the same, with 95 % "
    "intervals; in brackets the published figures."
)
NO_WEIGHTS_NOTE = (
    'Models with weights "none" stand on frozen layers of random weights: they show that '
    "everything runs, and their scores mean nothing else."
)


# What Markdown reads as markup, but for bars; an underscore within a word is none.
_MARKUP = re.compile(r"[\\`*\[\]~]|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def escape(text: str) -> str:
    """A text that a page shows as it is: names of classes, files and studies are anyone's."""
    shown = _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))
    return _ENTITY.sub("&amp;", shown).replace("<", "&lt;")


def page(title: str, *blocks: str) -> str:
    """A whole page under its title."""
    return section(title, *blocks, level=1) + "\n"


def section(title: str, *blocks: str, level: int = 2) -> str:
    """Blocks under a heading of some level; a section inside a section has the next one."""
    return "\n\n".join([f"{'#' * level} {title}", *filter(None, blocks)])


def where_made(write: Callable[..., Sequence[str]], *outputs: Any) -> Sequence[str]:
    """The blocks that are written of some outputs, or why one of them was not made."""
    absent = [output for output in outputs if isinstance(output, NotMade)]
    return [f"Not made: {escape(absent[0].reason)}"] if absent else write(*outputs)


def table(frame: pd.DataFrame, forms: Forms, headings: Mapping[str, str] | None = None) -> str:
    """A frame's columns as a table whose cells read `value [low-high] (published)`.

    The interval of `x` is taken from `x_low` and `x_high`, the published figure from
    `x_published`, where there are such columns and they are not missing. Those of a column named
    `value` are `low`, `high` and `published`.

    Args:
        frame: the rows.
        forms: the columns to show, in order, and how each is written. `AS_IT_IS` is for texts,
            which are escaped, and whole numbers: it leaves a cell empty where the value is
            missing, any other form writes `MISSING`.
        headings: headings by column, where they differ.
    """
    names = {} if headings is None else headings
    lines = [[names.get(column, column) for column in forms], ["---"] * len(forms)]
    for row in frame.to_dict("records"):
        lines.append([_cell(row, column, form) for column, form in forms.items()])
    # A bar in a cell, as in the name of a class's folder, would open a column.
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in escaped)


def counts(frame: pd.DataFrame, keys: Sequence[str]) -> str:
    """Number of rows for each value of some columns, as a table; in words if there is no row."""
    if frame.empty:
        return "None."
    counted = frame.groupby(list(keys), sort=False).size().rename("n").reset_index()
    return table(counted, dict.fromkeys([*keys, "n"], AS_IT_IS))


def notes(frame: pd.DataFrame, key: str) -> str:
    """The column `note` as a list, each note once, after the rows' names in the column `key`."""
    noted = frame[frame["note"].fillna("") != ""]
    return bullets(
        [
            f"{key} {', '.join(map(_as_it_is, names))}: {_as_it_is(note)}"
            for note, names in noted.groupby("note", sort=False)[key]
        ]
    )


def bullets(lines: Sequence[str]) -> str:
    """Lines as a list."""
    return "\n".join(f"- {line}" for line in lines)


def figures(named: Mapping[str, Any]) -> str:
    """Catalogued figures, by dataset name, as they lie beside the page.

    A printed one, loaded as the path of its picture, is shown; an interactive one is linked; those
    that were not made are named, with the reason.
    """
    absent: dict[NotMade, list[str]] = {}
    blocks = []
    for name, figure in named.items():
        if isinstance(figure, NotMade):
            absent.setdefault(figure, []).append(f"`{name}`")
        elif isinstance(figure, Path):
            blocks.append(f"![{name}]({figure.name})")
        else:
            blocks.append(f"[{name}]({name}.json)")
    blocks += [f"{', '.join(names)}: {escape(str(why))}" for why, names in absent.items()]
    return "\n\n".join(blocks)


def p_value(value: float) -> str:
    """A p-value with four decimals, or its order of magnitude where these would be zeros."""
    return f"{value:.4f}" if value >= 0.0001 or value == 0 else f"{value:.1e}"


def _cell(row: Mapping[Any, Any], column: str, form: Form) -> str:
    value = row[column]
    if form == AS_IT_IS:
        return _as_it_is(value)
    low, high, published = (_beside(row, column, name) for name in ("low", "high", "published"))
    text = MISSING if pd.isna(value) else _write(value, form)
    if not pd.isna(low):
        text += f" [{_write(low, form).removesuffix('%')}-{_write(high, form).removesuffix('%')}]"
    return text if pd.isna(published) else f"{text} ({_write(published, form)})"


def _beside(row: Mapping[Any, Any], column: str, name: str) -> Any:
    return row.get(name if column == "value" else f"{column}_{name}")


def _as_it_is(value: Any) -> str:
    if pd.isna(value):
        return ""
    # Whole numbers stay whole where a missing value made the column one of floats.
    return f"{value:.10g}" if isinstance(value, float) else escape(str(value))


def _write(value: float, form: Form) -> str:
    return form(value) if callable(form) else format(value, form)
