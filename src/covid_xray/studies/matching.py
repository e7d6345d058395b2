"""Which radiograph a name in a sheet means, however it is spelt."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from covid_xray.studies.layout import IMAGE_SUFFIXES, RadiographFile

_NUMBER = re.compile(r"(\d+)(\.0+)?")


@dataclass(frozen=True)
class Matches:
    """What the names of a sheet mean.

    Attributes:
        image_ids: a radiograph's `image_id` for each name; None where it means none, or several.
        unknown: the names that mean no radiograph.
        ambiguous: the names that mean several, or that mean one as another name does.
    """

    image_ids: list[str | None]
    unknown: list[str]
    ambiguous: list[str]


def name_key(name: str) -> str:
    """What spellings of one name have in common: upper and lower case, NFC and NFD."""
    return unicodedata.normalize("NFC", name.strip().casefold())


def match_names(names: Sequence[str], radiographs: Sequence[RadiographFile]) -> Matches:
    """Find the radiographs that names mean: file names, paths or `image_id`s.

    Case, Unicode form and the suffix of an image file do not matter. A bare number means the file
    of that number, such as `001.png`, unless another name fits that file as it is spelt.

    Args:
        names: the names.
        radiographs: those that they may mean.
    """
    known = _by_key(radiographs)
    found = {name: _spelt(name, known) for name in dict.fromkeys(names)}
    taken = {image_id for ids in found.values() for image_id in ids}
    numbered = _by_number([file for file in radiographs if file.image_id not in taken])
    numbers = {
        name: _number(_without_suffix(_last(name))) for name, ids in found.items() if not ids
    }
    asked = Counter(number for number in numbers.values() if number is not None)
    shared = set()
    for name, number in numbers.items():
        if number is not None:
            found[name] = numbered.get(number, set())
            shared |= {name} if found[name] and asked[number] > 1 else set()
    ambiguous = [name for name, ids in found.items() if len(ids) > 1 or name in shared]
    meant = {
        name: next(iter(ids)) for name, ids in found.items() if len(ids) == 1 and name not in shared
    }
    unknown = [name for name, ids in found.items() if not ids]
    return Matches([meant.get(name) for name in names], unknown, ambiguous)


def _by_key(radiographs: Sequence[RadiographFile]) -> dict[str, set[str]]:
    known: dict[str, set[str]] = defaultdict(set)
    for file in radiographs:
        for tail in _tails(str(file.path.with_name(file.path.stem))):
            known[tail].add(file.image_id)
        known[name_key(file.image_id)].add(file.image_id)
    return known


def _by_number(radiographs: Sequence[RadiographFile]) -> dict[int, set[str]]:
    numbered: dict[int, set[str]] = defaultdict(set)
    for file in radiographs:
        number = _number(file.path.stem)
        if number is not None:
            numbered[number].add(file.image_id)
    return numbered


def _spelt(name: str, known: Mapping[str, set[str]]) -> set[str]:
    """The radiographs of the longest end of a path that is known, with its suffix or without."""
    for spelling in (name, _without_suffix(name)):
        for tail in _tails(spelling):
            if tail in known:
                return known[tail]
    return set()


def _tails(path: str) -> Iterator[str]:
    """`a/b/c`, `b/c` and `c` of a path."""
    parts = name_key(path.replace("\\", "/")).split("/")
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _last(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _without_suffix(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in IMAGE_SUFFIXES else name


def _number(text: str) -> int | None:
    found = _NUMBER.fullmatch(text.strip())
    return int(found[1]) if found else None
