"""What a project's `data_engineering` made, as files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

# Where its arrays and tables are; pages and records tell more than what was made.
LAYERS = ("02_intermediate", "03_primary", "05_model_input")


def files_of(project: Path, study: str = "phantom_study") -> dict[str, bytes]:
    """The contents of every array and table of `data_engineering`.

    Of tables their cells and types: their files also tell which run made them.
    """
    folders = [project / "data" / layer / study for layer in LAYERS]
    return {
        str(path.relative_to(project / "data")): _content(path)
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _content(path: Path) -> bytes:
    if path.suffix != ".parquet":
        return path.read_bytes()
    table = pd.read_parquet(path)
    return f"{table.dtypes}\n{table.to_csv()}".encode()
