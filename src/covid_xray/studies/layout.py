"""The Kaggle layout: which file of a study is a radiograph, a lung mask or metadata.

    <class>/images/*.png   <class>/masks/*.png (optional)   <class>.metadata.xlsx (optional)

`folders` says which other folders are understood: images beside `masks/`, split folders, a flat
`images/ + masks/` pair, and folders that wrap the whole, as in Kaggle's archive.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from covid_xray.imaging.decoding import RejectionReason
from covid_xray.studies.files import StudyError, StudyFiles
from covid_xray.studies.folder_names import composed
from covid_xray.studies.folders import FLAT_LABEL, ClassFiles, sort_into_classes

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
METADATA_SUFFIX = ".metadata.xlsx"


@dataclass(frozen=True)
class RadiographFile:
    """One radiograph of a study, before it is read.

    Attributes:
        image_id: the study's key, e.g. `COVID-12`.
        label: class.
        path: path relative to the study.
        n_bytes: size of the file.
        mask_path: path of its lung mask, or None.
    """

    image_id: str
    label: str
    path: PurePosixPath
    n_bytes: int
    mask_path: PurePosixPath | None


@dataclass(frozen=True)
class RejectedFile:
    """A file that was left out of the study.

    Attributes:
        path: path relative to the study.
        label: class whose folder the file is in; `no class` outside of all.
        kind: `radiograph`, `lung_mask` or `metadata`.
        reason: code of the rejection.
        detail: one sentence for a person.
    """

    path: str
    label: str
    kind: str
    reason: RejectionReason
    detail: str


@dataclass(frozen=True)
class StudyLayout:
    """What a study's folders hold.

    Attributes:
        radiographs: every candidate radiograph, by class, then in natural order of name.
        rejected: files that can be rejected by their name alone.
        metadata: path of each class's metadata, where there is one.
        notes: what was decided of whole folders, in words and numbers.
    """

    radiographs: list[RadiographFile]
    rejected: list[RejectedFile]
    metadata: dict[str, PurePosixPath]
    notes: list[str] = field(default_factory=list)


def read_layout(
    files: StudyFiles, classes: Mapping[str, str] | Sequence[str] | None = None
) -> StudyLayout:
    """Find a study's radiographs, masks and metadata among its files.

    Args:
        files: the study's files.
        classes: class names, or class name to folder name; every folder if None.

    Raises:
        StudyError: if a class has no folder or no image, or if there is no class at all.
    """
    by_label = classes if isinstance(classes, Mapping) else {name: name for name in classes or ()}
    _check_some_picture(files)
    folders = sort_into_classes(files, by_label, METADATA_SUFFIX)
    layout = StudyLayout([], [], {}, folders.notes)
    taken: dict[str, PurePosixPath] = {}
    for label, parts in folders.classes.items():
        found, refused = _class_radiographs(files, label, parts, taken)
        layout.radiographs.extend(found)
        layout.rejected.extend(refused)
    for label, (sheet, *others) in folders.sheets.items():
        layout.metadata[label] = sheet
        layout.rejected.extend(_second_sheet(path, label, sheet) for path in others)
    for path, label, detail in folders.refused:
        refusal = _unreadable(files, path) or (RejectionReason.UNKNOWN_FOLDER, detail)
        layout.rejected.append(RejectedFile(str(path), label, "radiograph", *refusal))
    return layout


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts `COVID-2` before `COVID-10`."""
    parts = re.split(r"(\d+)", name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def image_id_of(label: str, stem: str) -> str:
    """The study's key of an image: its file name, led by its class unless it already is.

    Kaggle's names start with their class and stay as they are; a study with `001.png` in every
    class folder gets `COVID-001`, `Normal-001`, ...
    """
    stem = composed(stem)
    is_named = stem.lower().startswith(label.lower()) or label == FLAT_LABEL
    return stem if is_named else f"{label}-{stem}"


def _check_some_picture(files: StudyFiles) -> None:
    if not any(path.suffix.lower() in IMAGE_SUFFIXES for path in files.sizes):
        raise StudyError(
            f"{files.location} holds no PNG or JPEG file. Expected <class>/images/*.png."
        )


def _class_radiographs(
    files: StudyFiles,
    label: str,
    parts: Sequence[ClassFiles],
    taken: dict[str, PurePosixPath],
) -> tuple[list[RadiographFile], list[RejectedFile]]:
    images = [path for part in parts for path in part.images]
    if not images:
        folder = parts[0].folder if parts else label
        raise StudyError(
            f"Class '{label}' is empty: no file in {files.location}/{folder}/images. Add its "
            "radiographs, or leave the class out of `classes` in the catalog entry "
            "`radiography_study`."
        )
    ids = _image_ids(label, parts)
    found: list[RadiographFile] = []
    rejected: list[RejectedFile] = []
    for part in parts:
        radiographs, refused = _radiographs_of_part(files, label, part, ids, taken)
        found += radiographs
        rejected += refused
    if not found:
        raise StudyError(
            f"Class '{label}' has no radiograph: all {len(images)} file(s) of {images[0].parent} "
            f"in {files.location} are refused, '{images[0].name}' because {rejected[-1].detail}."
            " Convert or rename them, or leave the class out of `classes` in the catalog entry "
            "`radiography_study`."
        )
    return found, rejected


def _image_ids(label: str, parts: Sequence[ClassFiles]) -> dict[PurePosixPath, str]:
    """The key of each file; a name that several split folders have is followed by the folder's."""
    splits: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        for path in part.images:
            splits[image_id_of(label, path.stem).lower()].add(part.split)
    ids = {path: image_id_of(label, path.stem) for part in parts for path in part.images}
    return {
        path: f"{ids[path]}-{part.split}" if len(splits[ids[path].lower()]) > 1 and part.split
        else ids[path]
        for part in parts for path in part.images
    }  # fmt: skip


def _radiographs_of_part(
    files: StudyFiles,
    label: str,
    part: ClassFiles,
    ids: Mapping[PurePosixPath, str],
    taken: dict[str, PurePosixPath],
) -> tuple[list[RadiographFile], list[RejectedFile]]:
    masks, rejected = _class_masks(files, label, part.masks)
    found: list[RadiographFile] = []
    for path in _in_natural_order(part.images):
        image_id = ids[path]
        refusal = _unreadable(files, path) or _refusal_by_name(path, image_id, taken)
        if refusal:
            rejected.append(RejectedFile(str(path), label, "radiograph", *refusal))
            continue
        taken[image_id.lower()] = path
        mask = masks.pop(path.stem.lower(), None)
        found.append(RadiographFile(image_id, label, path, files.sizes[path], mask))
    why = RejectionReason.MASK_WITHOUT_IMAGE, "no radiograph of the same name is read"
    left = [RejectedFile(str(path), label, "lung_mask", *why) for path in masks.values()]
    return found, rejected + left


def _class_masks(
    files: StudyFiles, label: str, paths: Sequence[PurePosixPath]
) -> tuple[dict[str, PurePosixPath], list[RejectedFile]]:
    """A class's masks by the name of their radiograph, and those that come second to a name."""
    masks: dict[str, PurePosixPath] = {}
    rejected: list[RejectedFile] = []
    for path in _in_natural_order(paths):
        refusal = _unreadable(files, path)
        if refusal:
            rejected.append(RejectedFile(str(path), label, "lung_mask", *refusal))
            continue
        first = masks.setdefault(path.stem.lower(), path)
        if first != path:
            detail = f"{first} already is the mask of that name"
            reason = RejectionReason.DUPLICATE_NAME
            rejected.append(RejectedFile(str(path), label, "lung_mask", reason, detail))
    return masks, rejected


def _refusal_by_name(
    path: PurePosixPath, image_id: str, taken: Mapping[str, PurePosixPath]
) -> tuple[RejectionReason, str] | None:
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        detail = f"'{path.suffix}' files are not read, only PNG and JPEG"
        return RejectionReason.NOT_AN_IMAGE, detail
    if image_id.lower() in taken:
        other = taken[image_id.lower()]
        return RejectionReason.DUPLICATE_NAME, f"'{image_id}' is already the name of {other}"
    return None


def _unreadable(files: StudyFiles, path: PurePosixPath) -> tuple[RejectionReason, str] | None:
    detail = files.unreadable.get(path)
    return None if detail is None else (RejectionReason.UNREADABLE_FILE, detail)


def _second_sheet(path: PurePosixPath, label: str, first: PurePosixPath) -> RejectedFile:
    detail = f"{first} is the sheet of the class that is read: put the rows of both into it"
    return RejectedFile(str(path), label, "metadata", RejectionReason.DUPLICATE_NAME, detail)


def _in_natural_order(paths: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    return sorted(paths, key=lambda path: (natural_order(path.stem), path.suffix, path))
