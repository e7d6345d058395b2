"""What `--params` makes of a study's path and of its classes, and what was meant.

Kedro splits `--params` at commas and reads each value as YAML: `2024` becomes a number, `0012` the
number 10, `yes` a truth value.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

LOCATIONS = ("study_path", "segmentation_pairs")
CLASSES = "classes"
Classes = Mapping[str, str] | Sequence[str]
_EXAMPLES = (
    "Type the names of class folders with + between them, --params classes=COVID+Normal, or the "
    "folder of each class, --params classes.COVID=covid19,classes.Normal=healthy. "
    "A name that reads as a number takes two kinds of quotes: --params 'classes.COVID=\"0012\"'."
)


class UnusableValueError(ValueError):
    """A value that can't be what was meant; the message says what to type."""


def location_text(value: object) -> str | None:
    """A path as it was typed, with `~` as the user's folder; None stays None."""
    # Not Path.expanduser: it takes `./~` for `~`.
    return None if value is None else os.path.expanduser(str(value))  # noqa: PTH111


def check_location(name: str, value: object, project: Path) -> str | None:
    """Check that a path given with `--params` can be the one that was typed.

    Args:
        name: the parameter's name.
        value: what Kedro made of it.
        project: the folder that relative paths start from.

    Returns:
        A sentence if a number is read as the name of a folder or file; else None.

    Raises:
        UnusableValueError: if it can't.
    """
    if isinstance(value, str) and value.strip():
        return None
    remedy = f"Type a path in front of the name: --params {name}=./NAME."
    if value is None or isinstance(value, str):
        raise UnusableValueError(f"--params {name}= names nothing. {remedy}")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and (project / str(value)).exists():
        return f"{name} came as the number {value}: '{value}' is read. {remedy}"
    if is_number:
        raise UnusableValueError(
            f"{name} came as the number {value}, and there is no '{value}' in {project}: Kedro "
            f"reads 0012, 1_000 and 12:30 as numbers. {remedy}"
        )
    raise UnusableValueError(
        f"{name} came as {value!r}, because Kedro reads yes, true and brackets as something else "
        f"than a name. {remedy} If it has brackets or a colon, add quotes: "
        f"--params '{name}=\"./NAME\"'."
    )


def cut_at_a_comma(location: Path) -> str:
    """A sentence on what lies beside a missing path, if only a comma and more are missing."""
    beside = sorted(location.parent.glob(glob.escape(location.name) + ",*"))
    if not beside:
        return ""
    return (
        f"'{beside[0].name}' is there, but --params splits at commas: rename it, or make a link to "
        "it whose path has none. "
    )


def class_folders(value: object) -> Classes | None:
    """Classes as they are meant: names, or names with their folders; None for every folder.

    Args:
        value: names, names in one text with `+` between them, or name to folder.

    Raises:
        UnusableValueError: if it is something else, or names a class twice.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        _check_names([*value, *value.values()], value)
        _check_once([*value.values()], value)
        return {str(label): str(folder) for label, folder in value.items()}
    names = [name.strip() for name in value.split("+")] if isinstance(value, str) else value
    if not isinstance(names, Sequence):
        names = [names]
    _check_names(names, value)
    _check_once(names, value)
    return [str(name) for name in names]


def _check_names(names: Sequence[object], value: object) -> None:
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise UnusableValueError(f"classes is {value!r}, and {name!r} is no name. {_EXAMPLES}")


def _check_once(names: Sequence[object], value: object) -> None:
    if len(set(names)) < len(names) or not names:
        raise UnusableValueError(
            f"classes is {value!r}: name one class at least, and each once. {_EXAMPLES}"
        )
