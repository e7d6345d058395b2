"""The Kaggle layout: which file of a study is a radiograph, a lung mask or metadata.

    <class>/images/*.png   <class>/masks/*.png (optional)   <class>.metadata.xlsx (optional)

A file is a picture by its suffix or by its content. `mask_files` says what a mask may be called,
`folders` which other folders are understood: images beside `masks/`, split folders, a flat
`images/ + masks/` pair, and folders that wrap the whole, as in Kaggle's archive.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from covid_xray.evaluation.scoring import ALL, COVID
from covid_xray.imaging.formats import FORMAT_NAMES, SIGNATURE_BYTES, format_of
from covid_xray.imaging.rejection import RejectionReason
from covid_xray.studies.files import StudyError, StudyFiles
from covid_xray.studies.folder_names import composed
from covid_xray.studies.folders import FLAT_LABEL, ClassFiles, sort_into_classes
from covid_xray.studies.mask_files import is_mask_name, match_masks
from covid_xray.studies.questions import rest_of

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".webp"}
)
METADATA_SUFFIX = ".metadata.xlsx"


@dataclass(frozen=True)
class RadiographFile:
    """One radiograph of a study, before it is read.

    Attributes:
        image_id: the study's key, e.g. `COVID-12`.
        label: class.
        path: path relative to the study.
        n_bytes: size of the file.
        mask_paths: path of its lung mask, of its left and its right one, or of none.
    """

    image_id: str
    label: str
    path: PurePosixPath
    n_bytes: int
    mask_paths: tuple[PurePosixPath, ...] = ()


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
        StudyError: if a class has no folder or no image, or a name that tables give to several
            classes; or if there is no class at all.
    """
    by_label = classes if isinstance(classes, Mapping) else {name: name for name in classes or ()}
    _check_some_picture(files)
    folders = sort_into_classes(files, by_label, METADATA_SUFFIX)
    _check_class_names(files, folders.classes)
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
        unknown = RejectionReason.UNKNOWN_FOLDER, detail
        refusal = _not_a_picture(files, path) if path in files.unreadable else None
        layout.rejected.append(RejectedFile(str(path), label, "radiograph", *(refusal or unknown)))
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
    if not any(is_picture(files, path) for path in files.sizes):
        raise StudyError(
            f"{files.location} holds no {FORMAT_NAMES} file. Expected <class>/images/*.png."
        )


def _check_class_names(files: StudyFiles, labels: Iterable[str]) -> None:
    for label in {ALL, rest_of(COVID)}.intersection(labels):
        raise StudyError(
            f"A class in {files.location} is called '{label}', which is what tables call several "
            f"classes together. Give it another name: --params classes.NAME={label}, and so on for "
            "every class."
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
        of_radiographs = [file.detail for file in rejected if file.kind == "radiograph"]
        why = of_radiographs[-1] if of_radiographs else "its name is that of a lung mask"
        raise StudyError(
            f"Class '{label}' has no radiograph: all {len(images)} file(s) of {images[0].parent} "
            f"in {files.location} are refused, '{images[0].name}' because {why}."
            " Convert or rename them, or leave the class out of `classes` in the catalog entry "
            "`radiography_study`."
        )
    return found, rejected


def _image_ids(label: str, parts: Sequence[ClassFiles]) -> dict[PurePosixPath, str]:
    """The key of each file; a name that several split folders have is followed by the folder's."""
    splits: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        for path in part.images:
            splits[image_id_of(label, _stem(path)).lower()].add(part.split)
    ids = {path: image_id_of(label, _stem(path)) for part in parts for path in part.images}
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
    found: list[RadiographFile] = []
    rejected: list[RejectedFile] = []
    images = _in_natural_order(part.images)
    for path in images:
        if is_mask_name(_stem(path)):
            continue
        refusal = _refusal(files, path, ids[path], taken)
        if refusal:
            rejected.append(RejectedFile(str(path), label, "radiograph", *refusal))
            continue
        taken[ids[path].lower()] = path
        found.append(RadiographFile(ids[path], label, path, files.sizes[path]))
    beside = [path for path in images if is_mask_name(_stem(path))]
    return _with_masks(files, label, found, _in_natural_order(part.masks) + beside, rejected)


def _with_masks(
    files: StudyFiles,
    label: str,
    radiographs: list[RadiographFile],
    masks: list[PurePosixPath],
    rejected: list[RejectedFile],
) -> tuple[list[RadiographFile], list[RejectedFile]]:
    """A class's radiographs with the paths of their masks, and its rejected files."""
    refusals = {path: _not_a_picture(files, path) for path in masks}
    unread = [(path, *refusal) for path, refusal in refusals.items() if refusal]
    pictures = [path for path, refusal in refusals.items() if not refusal]
    names = [_stem(file.path).lower() for file in radiographs]
    matched, refused = match_masks(pictures, frozenset(names))
    found = [
        replace(file, mask_paths=matched.get(name, ()))
        for file, name in zip(radiographs, names, strict=True)
    ]
    return found, rejected + [
        RejectedFile(str(path), label, "lung_mask", reason, detail)
        for path, reason, detail in unread + refused
    ]


def is_picture(files: StudyFiles, path: PurePosixPath) -> bool:
    """Whether a file is worth decoding: by its suffix, or else by its first bytes."""
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return True
    try:
        return format_of(files.start(path, SIGNATURE_BYTES)) is not None
    except Exception:  # reading it says what is wrong with it
        return True


def _not_a_picture(files: StudyFiles, path: PurePosixPath) -> tuple[RejectionReason, str] | None:
    if path in files.unreadable:
        return RejectionReason.UNREADABLE_FILE, files.unreadable[path]
    if is_picture(files, path):
        return None
    detail = f"'{path.suffix}' files are not read, only {FORMAT_NAMES}"
    return RejectionReason.NOT_AN_IMAGE, detail


def _refusal(
    files: StudyFiles, path: PurePosixPath, image_id: str, taken: Mapping[str, PurePosixPath]
) -> tuple[RejectionReason, str] | None:
    refusal = _not_a_picture(files, path)
    if refusal is None and image_id.lower() in taken:
        other = taken[image_id.lower()]
        return RejectionReason.DUPLICATE_NAME, f"'{image_id}' is already the name of {other}"
    return refusal


def _stem(path: PurePosixPath) -> str:
    """A file's name without its suffix; digits behind a dot, as in 1.2.840, are no suffix."""
    return path.name if path.suffix[1:].isdigit() else path.stem


def _second_sheet(path: PurePosixPath, label: str, first: PurePosixPath) -> RejectedFile:
    detail = f"{first} is the sheet of the class that is read: put the rows of both into it"
    return RejectedFile(str(path), label, "metadata", RejectionReason.DUPLICATE_NAME, detail)


def _in_natural_order(paths: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    return sorted(paths, key=lambda path: (natural_order(path.stem), path.suffix, path))
