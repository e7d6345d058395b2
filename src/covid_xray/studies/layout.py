"""The Kaggle layout: which file of a study is a radiograph, a lung mask or metadata.

    <class>/images/*.png   <class>/masks/*.png (optional)   <class>.metadata.xlsx (optional)

A file is a picture by its suffix or by its content; `mask_files` says what a mask may be called.

The whole may be nested one folder deep, as Kaggle's archive is. `<class>/*.png` and a flat
`images/ + masks/` pair of folders are understood too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from covid_xray.imaging.formats import FORMAT_NAMES, SIGNATURE_BYTES, format_of
from covid_xray.imaging.rejection import RejectionReason
from covid_xray.studies.files import StudyError, StudyFiles
from covid_xray.studies.mask_files import is_mask_name, match_masks

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".webp"}
)
METADATA_SUFFIX = ".metadata.xlsx"
FLAT_LABEL = "unlabelled"


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
        label: class whose folder the file is in.
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
    """

    radiographs: list[RadiographFile]
    rejected: list[RejectedFile]
    metadata: dict[str, PurePosixPath]


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
    root = _study_root(files, set(by_label.values()))
    layout = StudyLayout([], [], {})
    taken: dict[str, PurePosixPath] = {}
    for label, folder in _class_folders(files, root, by_label).items():
        found, refused = _class_radiographs(files, label, folder, taken)
        layout.radiographs.extend(found)
        layout.rejected.extend(refused)
        metadata = folder.parent / (folder.name + METADATA_SUFFIX)
        if metadata in files.sizes:
            layout.metadata[label] = metadata
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
    is_named = stem.lower().startswith(label.lower()) or label == FLAT_LABEL
    return stem if is_named else f"{label}-{stem}"


def _study_root(files: StudyFiles, wanted: set[str]) -> PurePosixPath:
    """The study's own folder: the top, or the single folder below it that holds the classes."""
    top = PurePosixPath()
    images = [path for path in files.sizes if is_picture(files, path)]
    if not images:
        raise StudyError(
            f"{files.location} holds no {FORMAT_NAMES} file. Expected <class>/images/*.png."
        )
    candidates = [top, *dict.fromkeys(PurePosixPath(path.parts[0]) for path in images)]
    for candidate in candidates:
        depth = len(candidate.parts)
        below = [path.parts[depth:] for path in images if path.is_relative_to(candidate)]
        if wanted and wanted & {parts[0] for parts in below if len(parts) > 1}:
            return candidate
        if not wanted and any("images" in parts[:2] for parts in below):
            return candidate
    # <study>/<class>/*.png: one folder at the top, and pictures only in the folders below it.
    nested = len(candidates) == 2 and all(len(path.parts) > 2 for path in images)
    return candidates[1] if nested and not wanted else top


def _class_folders(
    files: StudyFiles, root: PurePosixPath, by_label: Mapping[str, str]
) -> dict[str, PurePosixPath]:
    depth = len(root.parts)
    inside = [path.parts[depth:] for path in files.sizes if path.is_relative_to(root)]
    present = sorted({parts[0] for parts in inside if len(parts) > 1})
    if not by_label and "images" in present:
        return {FLAT_LABEL: root}
    wanted = by_label or {name: name for name in present}
    missing = [folder for folder in wanted.values() if folder not in present]
    if missing:
        raise StudyError(
            f"{files.location} has no folder with files for {_listed(missing)}; it has "
            f"{_listed(present)}. Rename the folders, or name yours under `classes` in the "
            "catalog entry `radiography_study`."
        )
    return {label: root / folder for label, folder in wanted.items()}


def _class_radiographs(
    files: StudyFiles, label: str, folder: PurePosixPath, taken: dict[str, PurePosixPath]
) -> tuple[list[RadiographFile], list[RejectedFile]]:
    images = _files_in(files, folder / "images") or _files_in(files, folder)
    if not images:
        raise StudyError(
            f"Class '{label}' is empty: no file in {files.location}/{folder}/images. Add its "
            "radiographs, or leave the class out of `classes` in the catalog entry "
            "`radiography_study`."
        )
    found: list[RadiographFile] = []
    rejected: list[RejectedFile] = []
    for path in images:
        if is_mask_name(_stem(path)):
            continue
        image_id = image_id_of(label, _stem(path))
        refusal = _refusal(files, path, image_id, taken)
        if refusal:
            rejected.append(RejectedFile(str(path), label, "radiograph", *refusal))
            continue
        taken[image_id.lower()] = path
        found.append(RadiographFile(image_id, label, path, files.sizes[path]))
    if not found:
        why = rejected[-1].detail if rejected else "its name is that of a lung mask"
        raise StudyError(
            f"Class '{label}' has no radiograph: all {len(images)} file(s) of {images[0].parent} "
            f"in {files.location} are refused, '{images[0].name}' because {why}."
            " Convert or rename them, or leave the class out of `classes` in the catalog entry "
            "`radiography_study`."
        )
    beside = [path for path in images if is_mask_name(_stem(path))]
    masks = _files_in(files, folder / "masks") + beside
    return _with_masks(files, label, found, masks, rejected)


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
    if is_picture(files, path):
        return None
    detail = f"'{path.suffix}' files are not read, only {FORMAT_NAMES}"
    return RejectionReason.NOT_AN_IMAGE, detail


def _refusal(
    files: StudyFiles, path: PurePosixPath, image_id: str, taken: Mapping[str, PurePosixPath]
) -> tuple[RejectionReason, str] | None:
    if image_id.lower() in taken and is_picture(files, path):
        other = taken[image_id.lower()]
        return RejectionReason.DUPLICATE_NAME, f"'{image_id}' is already the name of {other}"
    return _not_a_picture(files, path)


def _stem(path: PurePosixPath) -> str:
    """A file's name without its suffix; digits behind a dot, as in 1.2.840, are no suffix."""
    return path.name if path.suffix[1:].isdigit() else path.stem


def _files_in(files: StudyFiles, folder: PurePosixPath) -> list[PurePosixPath]:
    inside = [path for path in files.sizes if path.parent == folder]
    return sorted(inside, key=lambda path: (natural_order(path.stem), path.suffix))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"
