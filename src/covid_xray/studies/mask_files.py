"""Which lung mask belongs to which radiograph, by the names of their files.

A mask of `name` is called `name`, `name_mask` or `name-mask`. A mask of one lung has `left` or
`right` behind `name`, before or after the word `mask`: `name_left`, `name_mask_left`, ...
Suffix and case make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from covid_xray.imaging.rejection import RejectionReason

_MASK_NAME = re.compile(
    r"(?P<name>.+?)(?P<word>[_-]mask)?([_-](?P<side>left|right))?(?P<last>[_-]mask)?"
)
_SIDES = ("left", "right")
Refusal = tuple[PurePosixPath, RejectionReason, str]


def is_mask_name(stem: str) -> bool:
    """Whether a file's name says `mask` at its end, so that no radiograph is behind it."""
    parts = _MASK_NAME.fullmatch(stem.lower())
    return parts is not None and bool(parts["word"] or parts["last"])


def match_masks(
    masks: Sequence[PurePosixPath], names: Collection[str]
) -> tuple[dict[str, tuple[PurePosixPath, ...]], list[Refusal]]:
    """Match masks with radiographs.

    Args:
        masks: mask files, first those that are preferred.
        names: names of the radiographs, without suffix, in lower case.

    Returns:
        By name of radiograph, its one mask, or those of its left and its right lung; and the
        files that are refused, each with the reason and one sentence.
    """
    found: dict[str, dict[str, PurePosixPath]] = {}
    refused: list[Refusal] = []
    for path in masks:
        name, side = _radiograph_and_side(path.stem.lower(), names)
        if name not in names:
            why = f"no radiograph is called '{name}'"
            refused.append((path, RejectionReason.MASK_WITHOUT_IMAGE, why))
            continue
        first = found.setdefault(name, {}).setdefault(side, path)
        if first != path:
            refused.append(_second(path, first))
    matched = {}
    for name, by_side in found.items():
        matched[name], halves = _whole(by_side)
        refused += halves
    return {name: paths for name, paths in matched.items() if paths}, refused


def _radiograph_and_side(stem: str, names: Collection[str]) -> tuple[str, str]:
    """Name of the radiograph that a mask's name speaks of, and the lung, empty for both."""
    parts = _MASK_NAME.fullmatch(stem)
    if stem in names or parts is None:
        return stem, ""
    return parts["name"], parts["side"] or ""


def _whole(
    by_side: dict[str, PurePosixPath],
) -> tuple[tuple[PurePosixPath, ...], list[Refusal]]:
    """The files that make up one mask, and those that are left over."""
    halves = [by_side[side] for side in _SIDES if side in by_side]
    if "" in by_side:
        return (by_side[""],), [_second(path, by_side[""]) for path in halves]
    if len(halves) == len(_SIDES):
        return tuple(halves), []
    (side,), (path,) = by_side.keys(), halves
    detail = f"it is the mask of the {side} lung only, and the other lung has none"
    return (), [(path, RejectionReason.HALF_MASK, detail)]


def _second(path: PurePosixPath, first: PurePosixPath) -> Refusal:
    return path, RejectionReason.DUPLICATE_NAME, f"{first} already is the mask of that name"
