"""Tables as Markdown."""

from __future__ import annotations

import pandas as pd


def markdown_table(cells: pd.DataFrame) -> str:
    """A frame of texts as a Markdown table, without its index."""
    lines = [list(cells.columns), ["---"] * cells.shape[1], *cells.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
