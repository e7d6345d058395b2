"""Files and folders that appear whole or not at all: written aside, then renamed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to; what was written there takes the place of `path` at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays, for it may choose a format.
    partial = path.with_name(f".{path.stem}.{uuid4().hex}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill; it takes the place of `folder` at the end, or goes with an error."""
    partial = folder.with_name(f".{folder.name}.{uuid4().hex}.partial")
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    remove_folder(folder)
    partial.rename(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder at once, if there is one: half of it would look like the whole."""
    doomed = folder.with_name(f".{folder.name}.{uuid4().hex}.partial")
    if folder.is_dir():
        folder.rename(doomed)
        shutil.rmtree(doomed)


def remove_partial_files(folder: Path) -> None:
    """Remove what killed runs left half-written in a folder, and of it; no other run may write."""
    left = [*folder.rglob(".*.partial*"), *folder.parent.glob(f".{folder.name}.*.partial")]
    for path in left:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, indent=1), "utf-8")
