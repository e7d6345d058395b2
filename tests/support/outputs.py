"""What a project's `data_engineering` made, as files."""

from __future__ import annotations

from pathlib import Path

# Where its arrays and tables are; pages and records tell more than what was made.
LAYERS = ("02_intermediate", "03_primary", "05_model_input")


def files_of(project: Path, study: str = "phantom_study") -> dict[str, bytes]:
    """The bytes of every array and table of `data_engineering`."""
    folders = [project / "data" / layer / study for layer in LAYERS]
    return {
        str(path.relative_to(project / "data")): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
