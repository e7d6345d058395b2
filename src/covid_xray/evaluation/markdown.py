"""Tables as Markdown."""

from __future__ import annotations

import pandas as pd


def markdown_table(cells: pd.DataFrame) -> str:
    """A frame of texts as a Markdown table, without its index."""
    lines = [list(cells.columns), ["---"] * cells.shape[1], *cells.to_numpy().tolist()]
    # A bar in a cell, as in the name of a class's folder, would open a column.
    escaped = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in escaped)
