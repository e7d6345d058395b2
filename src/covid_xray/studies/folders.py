"""Which files of a study belong to which class, by the folders that they lie in.

Between the study's top and a file lie, in any order, the folder of its class, at most one called
`images` or `masks`, and at most one of a split. Folders above all of these only wrap the study.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from covid_xray.studies.files import StudyError, StudyFiles
from covid_xray.studies.folder_names import (
    IMAGES,
    MASKS,
    ClassNames,
    composed,
    folder_key,
    is_about_the_study,
    is_document,
    is_split,
    kind_of,
)

FLAT_LABEL = "unlabelled"
NO_CLASS = "no class"
_TOP = PurePosixPath()
Parts = tuple[str, ...]


class _FoldersError(ValueError):
    """What is wrong with a study's folders and what to do; its subject is the study."""


@dataclass(frozen=True)
class Place:
    """What the folders above a file say of it.

    Attributes:
        label: class, or None outside the folders of classes.
        kind: `IMAGES` or `MASKS`.
        split: name of its split folder; empty without one.
        folder: the class's folder.
        unknown: the first folder that says nothing of these; empty without one.
    """

    label: str | None
    kind: str = IMAGES
    split: str = ""
    folder: PurePosixPath = _TOP
    unknown: str = ""


@dataclass(frozen=True)
class ClassFiles:
    """A class's files in one split folder, or in none.

    Attributes:
        folder: the class's folder.
        split: name of the split folder; empty for none.
        images: files among the radiographs, in no order.
        masks: files among the lung masks.
    """

    folder: PurePosixPath
    split: str
    images: list[PurePosixPath] = field(default_factory=list)
    masks: list[PurePosixPath] = field(default_factory=list)


@dataclass(frozen=True)
class StudyFolders:
    """A study's files by class.

    Attributes:
        classes: files of each class.
        sheets: metadata sheets of each class.
        refused: (file, class, what is wrong) of files that no class can use.
        notes: what was decided of whole folders, in words and numbers.
    """

    classes: dict[str, list[ClassFiles]]
    sheets: dict[str, list[PurePosixPath]]
    refused: list[tuple[PurePosixPath, str, str]]
    notes: list[str]


def sort_into_classes(
    files: StudyFiles, wanted: Mapping[str, str], sheet_suffix: str
) -> StudyFolders:
    """Sort a study's files into classes.

    READMEs, metadata sheets and documents outside the classes' folders are left out, and so are
    folders that `wanted` does not name.

    Args:
        files: the study's files.
        wanted: class to folder name; every folder is a class if it is empty.
        sheet_suffix: what follows the name of a class's folder in that of its metadata.

    Raises:
        StudyError: if a class has no folder, or two that may be merged or not.
    """
    paths = sorted([*files.sizes, *files.unreadable])
    folders = {path.parent for path in paths if not is_document(path)}
    try:
        root, names = _given_classes(folders, wanted) if wanted else _all_folders(folders)
        places = {folder: _place(folder, root, names) for folder in {p.parent for p in paths}}
        _check_one_folder_each(places.values())
    except _FoldersError as error:
        raise StudyError(f"{files.location} {error}.") from error
    found = StudyFolders({label: [] for label in names.folders or [FLAT_LABEL]}, {}, [], [])
    left_out: Counter[str] = Counter()
    for path in paths:
        place = places[path.parent]
        if path.name.lower().endswith(sheet_suffix) and not (place.label or place.unknown):
            label = names.label_of(path.name[: -len(sheet_suffix)])
            if label is not None:
                found.sheets.setdefault(label, []).append(path)
        elif is_about_the_study(path) or (_is_beside_classes(path, place) and is_document(path)):
            continue
        elif wanted and _is_of_another_class(place):
            left_out[place.unknown] += 1
        else:
            _sort_in(path, place, found)
    found.notes.extend(_notes(left_out, found.classes.values()))
    return found


def _is_beside_classes(path: PurePosixPath, place: Place) -> bool:
    return place.label is None or path.parent == _TOP


def _is_of_another_class(place: Place) -> bool:
    unknown = PurePosixPath(place.unknown).name
    return place.label is None and unknown != "" and _core((unknown,)) != ()


def _sort_in(path: PurePosixPath, place: Place, found: StudyFolders) -> None:
    if place.label is None:
        found.refused.append((path, NO_CLASS, "it lies in the folder of no class"))
        return
    parts = found.classes[place.label]
    part = next((each for each in parts if each.split == place.split), None)
    if part is None:
        part = ClassFiles(place.folder, place.split)
        parts.append(part)
    if place.unknown:
        detail = (
            f"the folder '{place.unknown}' is not read: radiographs belong in the folder of their "
            f"class or in {IMAGES}/ there, lung masks in {MASKS}/"
        )
        found.refused.append((path, place.label, detail))
    else:
        (part.masks if place.kind == MASKS else part.images).append(path)


def _given_classes(
    folders: set[PurePosixPath], wanted: Mapping[str, str]
) -> tuple[PurePosixPath, ClassNames]:
    """The folder that holds the wanted classes, and their names."""
    names = ClassNames(wanted)
    held: dict[PurePosixPath, set[str]] = defaultdict(set)
    for folder in folders:
        for depth, part in enumerate(folder.parts):
            label = names.label_of(part)
            if label is not None:
                held[PurePosixPath(*_without_tokens_behind(folder.parts[:depth]))].add(label)
    root = min(held, key=lambda each: (-len(held[each]), len(each.parts), each), default=_TOP)
    missing = [wanted[label] for label in wanted if label not in held.get(root, ())]
    if missing:
        present = {_place(folder, root, ClassNames({})).unknown for folder in folders} - {""}
        present = present if held else set(_all_folders(folders)[1].folders)
        raise _FoldersError(
            f"has no folder with files for {listed(missing)}; it has {listed(sorted(present))}. "
            "Rename the folders, or name yours with --params classes=NAME+NAME or "
            "classes.CLASS=FOLDER, or under `classes` in the catalog entry `radiography_study`"
        )
    _check_no_second_study(root, held, names)
    return root, names


def _check_no_second_study(
    root: PurePosixPath, held: Mapping[PurePosixPath, set[str]], names: ClassNames
) -> None:
    for other in sorted(held):
        above = root.is_relative_to(other)
        in_a_class = any(map(names.label_of, other.parts[len(root.parts) :]))
        if above or (other.is_relative_to(root) and in_a_class):
            continue
        raise _FoldersError(
            f"has folders of class {listed(sorted(held[other]))} in {_name(other)} and of "
            f"{listed(sorted(held[root]))} in {_name(root)}. Move one of them away, or give the "
            "one that you mean with --params study_path=FOLDER"
        )


def _all_folders(folders: set[PurePosixPath]) -> tuple[PurePosixPath, ClassNames]:
    """The folder that holds the classes, where each of its folders is one."""
    inside = [folder.parts for folder in folders]
    if any(IMAGES in map(kind_of, parts) for parts in inside if not _core(parts)):
        return _TOP, ClassNames({})
    root: Parts = ()
    while _only_wraps(inside := [parts for parts in inside if _core(parts)]):
        root += inside[0][:1]
        inside = [parts[1:] for parts in inside]
    spelt = sorted({composed(_core(parts)[0]) for parts in inside})
    by_key = {folder_key(name): name for name in reversed(spelt)}
    return PurePosixPath(*root), ClassNames({name: name for name in sorted(by_key.values())})


def _only_wraps(inside: Sequence[Parts]) -> bool:
    """Whether all files lie in one folder, and in folders of classes below it."""
    return len({parts[0] for parts in inside}) == 1 and all(
        _core(parts[:1]) and len(_core(parts)) > 1 and not kind_of(parts[1]) for parts in inside
    )


def _place(folder: PurePosixPath, root: PurePosixPath, names: ClassNames) -> Place:
    """What the folders down to one say; of a folder outside the root, where it leaves it."""
    label, kind, split, of_class, unknown = None, "", "", _TOP, ""
    outside = not folder.is_relative_to(root)
    parts = folder.parts if outside else folder.parts[len(root.parts) :]
    for depth, part in enumerate(parts, len(folder.parts) - len(parts) + 1):
        means = None if outside else names.label_of(part)
        if means is not None and label in (None, means):
            label, of_class = means, of_class if label else PurePosixPath(*folder.parts[:depth])
        elif kind_of(part) and kind in ("", kind_of(part)):
            kind = kind_of(part) or ""
        elif is_split(part) and split in ("", composed(part)):
            split = composed(part)
        elif not (outside and root.parts[depth - 1 : depth] == (part,)):
            unknown = unknown or str(PurePosixPath(*folder.parts[:depth]))
    label = label if names.folders else FLAT_LABEL
    return Place(label, kind or IMAGES, split, of_class, unknown)


def _check_one_folder_each(places: Iterable[Place]) -> None:
    """Refuse folders that mean the same class and lie side by side."""
    spelt: dict[tuple[str, PurePosixPath], set[PurePosixPath]] = defaultdict(set)
    for place in places:
        if place.label is not None:
            spelt[place.label, place.folder.parent].add(place.folder)
    for (label, _), twins in sorted(spelt.items()):
        if len(twins) > 1:
            raise _FoldersError(
                f"has {len(twins)} folders for class '{label}': {listed(map(str, sorted(twins)))}. "
                "Put their files into one, or rename the one that is another class"
            )


def _notes(left_out: Mapping[str, int], classes: Iterable[Sequence[ClassFiles]]) -> list[str]:
    notes = []
    n_of_split: Counter[str] = Counter()
    for parts in classes:
        n_of_split.update({part.split: len(part.images) for part in parts})
    if any(n_of_split):
        counts = [f"{n} file(s) of {name or 'none'}" for name, n in sorted(n_of_split.items()) if n]
        notes.append(
            "split folders are merged, because radiographs are split anew by duplicate group: "
            + ", ".join(counts)
        )
    if left_out:
        notes.append(
            "folders that `classes` does not name are left out: "
            + ", ".join(f"{name} ({n} file(s))" for name, n in sorted(left_out.items()))
        )
    return notes


def _core(parts: Parts) -> Parts:
    return tuple(part for part in parts if not kind_of(part) and not is_split(part))


def _without_tokens_behind(parts: Parts) -> Parts:
    while parts and not _core(parts[-1:]):
        parts = parts[:-1]
    return parts


def _name(folder: PurePosixPath) -> str:
    return f"'{folder}'" if folder.parts else "its top folder"


def listed(names: Iterable[str]) -> str:
    """Names in quotes, or `none`."""
    return ", ".join(f"'{name}'" for name in names) or "none"
