"""Write a small synthetic study in the layout of the COVID-19 Radiography Database.

The study serves demonstrations and tests: it reads like the real one, carries the real one's
flaws (copies, blurred and broken files, hospitals and markers that betray the class), and comes
with ``truth.csv``, which says where each flaw was planted.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from covid_xray.phantom.acquisition import (
    HOSPITALS,
    MARKERS,
    Hospital,
    acquire,
    burn_in,
    defocus,
)
from covid_xray.phantom.copies import first_alike, reencoded, shifted
from covid_xray.phantom.drawing import CLASSES, MIN_SIDE, Grey, draw_radiograph

TRUTH_COLUMNS: tuple[str, ...] = (
    "file",
    "image_id",
    "label",
    "source",
    "source_url",
    "has_mask",
    "marker",
    "blurred",
    "duplicate_of",
    "duplicate_kind",
    "defect",
    "bytes",
)

PLAN_FILE = "plan.json"  # beside truth.csv: the plan that the study was written after

_MIN_IMAGES_PER_CLASS = 6
_MIN_MASK_SIDE = 32
_FAVOURITE_SHARE = 0.70  # of a class's images come from its own hospital
_MARKER_SHARES = {"COVID": 0.80}
_OTHER_MARKER_SHARE = 0.15
_TRUNCATED_IN, _TEXT_IN = "COVID", "Viral Pneumonia"
_CONFLICT_FROM, _CONFLICT_IN = "Normal", "Lung_Opacity"
# What an image is used for, in the order images are set aside (see `_role`).
_ROLES: tuple[str, ...] = (
    "blurred",
    "exact_duplicates",
    "reencoded_duplicates",
    "shifted_duplicates",
    "label_conflicts",
    "missing_masks",
)


@dataclass(frozen=True)
class PhantomPlan:
    """What to write. Counts of planted flaws are totals, dealt to the classes in turn.

    Attributes:
        images_per_class: Distinct patients drawn per class; copies and broken files come on top.
        side: Width and height of a radiograph in pixels.
        mask_side: Width and height of a lung mask in pixels.
        seed: Root of all randomness.
        exact_duplicates: Copies with the same bytes under another name.
        reencoded_duplicates: Copies that went through JPEG.
        shifted_duplicates: Copies moved by one or two pixels and slightly brightened or darkened.
        blurred: Images that are out of focus.
        missing_masks: Images without a lung mask.
    """

    images_per_class: int = 48
    side: int = 299
    mask_side: int = 256
    seed: int = 2020
    exact_duplicates: int = 4
    reencoded_duplicates: int = 4
    shifted_duplicates: int = 4
    blurred: int = 8
    missing_masks: int = 2

    def __post_init__(self) -> None:
        """Refuse impossible values.

        Raises:
            ValueError: Naming the first field that is too small, or ``images_per_class`` when a
                class has fewer images than planted flaws need.
        """
        lowest = {
            "images_per_class": _MIN_IMAGES_PER_CLASS,
            "side": MIN_SIDE,
            "mask_side": _MIN_MASK_SIDE,
        }
        for name, value in vars(self).items():
            if value < lowest.get(name, 0):
                raise ValueError(f"{name} must be at least {lowest.get(name, 0)}, not {value}")
        needed = max(sum(self.share(role, label) for role in _ROLES) for label in CLASSES)
        if needed > self.images_per_class:
            raise ValueError(
                f"images_per_class must be at least {needed} to hold the planted flaws, "
                f"not {self.images_per_class}"
            )

    def share(self, role: str, label: str) -> int:
        """Number of images of class ``label`` set aside for ``role``."""
        if role == "label_conflicts":
            return int(label == _CONFLICT_FROM)
        total = int(getattr(self, role))
        return total // len(CLASSES) + int(CLASSES.index(label) < total % len(CLASSES))


@dataclass(frozen=True)
class _Picture:
    """One file of the study, ready to write, with the truth about it."""

    label: str
    number: int
    encoded: bytes
    pixels: Grey  # (side, side), as drawn, before any damage to the file
    hospital: Hospital
    mask: Grey | None = None  # (side, side), 0 and 255
    marker: str = ""
    blurred: bool = False
    duplicate_of: str = ""
    duplicate_kind: str = ""
    defect: str = ""

    @property
    def image_id(self) -> str:
        return f"{self.label}-{self.number}"


def write_phantom_study(folder: Path, plan: PhantomPlan) -> pd.DataFrame:
    """Write a whole study and its truth table; all of it appears at once or not at all.

    Args:
        folder: Where the study goes; it must not exist yet. Missing parents are created.
        plan: What to write. The same plan gives the same pixels and the same ``truth.csv``.

    Returns:
        One row per image file with the columns ``TRUTH_COLUMNS``, as in ``folder/truth.csv``.
        Absent texts are empty, so read the file with ``keep_default_na=False``.

    Raises:
        FileExistsError: If ``folder`` exists.
        OSError: If the study can't be written; nothing is left behind then.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists: choose a new folder for the phantom study")
    # A sibling is on the same file system, so the final rename is atomic.
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        truth = _write_into(partial, plan)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return truth


def _write_into(folder: Path, plan: PhantomPlan) -> pd.DataFrame:
    """Write every class, its metadata workbook and the truth table under ``folder``."""
    _keep_freed_memory()
    rows = []
    for label in CLASSES:
        for kind in ("images", "masks"):
            (folder / label / kind).mkdir(parents=True)
        for picture in _class_pictures(plan, label):
            rows.append(_write_picture(folder, picture, plan.mask_side))
    truth = pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))
    for label in CLASSES:
        _write_metadata(folder, truth[truth["label"] == label], plan.side)
    truth.to_csv(folder / "truth.csv", index=False, lineterminator="\n")
    (folder / PLAN_FILE).write_text(json.dumps(asdict(plan), indent=2) + "\n", encoding="utf-8")
    return truth


def _keep_freed_memory() -> None:
    """Have the C allocator reuse freed arrays of an image's size, which saves a third of the time.

    glibc maps and unmaps every large array afresh until it has seen a larger one freed. On other
    systems this does nothing.
    """
    np.empty(30 << 20, dtype=np.uint8)


def _write_picture(folder: Path, picture: _Picture, mask_side: int) -> dict[str, object]:
    """Write one image and its mask, and return its row of the truth table."""
    name = f"{picture.image_id}.png"
    file = Path(picture.label, "images", name)
    (folder / file).write_bytes(picture.encoded)
    if picture.mask is not None:
        size = (mask_side, mask_side)
        small = cv2.resize(picture.mask, size, interpolation=cv2.INTER_NEAREST)
        # The real database stores its masks as RGB.
        (folder / picture.label / "masks" / name).write_bytes(_png(cv2.merge([small] * 3)))
    return {
        "file": file.as_posix(),
        "image_id": picture.image_id,
        "label": picture.label,
        "source": picture.hospital.name,
        "source_url": picture.hospital.url,
        "has_mask": picture.mask is not None,
        "marker": picture.marker,
        "blurred": picture.blurred,
        "duplicate_of": picture.duplicate_of,
        "duplicate_kind": picture.duplicate_kind,
        "defect": picture.defect,
        "bytes": len(picture.encoded),
    }


def _write_metadata(folder: Path, truth: pd.DataFrame, side: int) -> None:
    """Write one class's workbook with the columns and the spelling of the real one."""
    label = str(truth["label"].iloc[0])
    names = truth["image_id"]
    if label == "Normal":
        # The real workbook says NORMAL-1 where the file is Normal-1.png.
        names = names.str.replace("Normal", "NORMAL")
    table = pd.DataFrame(
        {"FILE NAME": names, "FORMAT": "PNG", "SIZE": f"{side}*{side}", "URL": truth["source_url"]}
    )
    table.to_excel(folder / f"{label}.metadata.xlsx", index=False, engine="openpyxl")


def _png(pixels: cv2.typing.MatLike) -> bytes:
    encoded, data = cv2.imencode(".png", pixels)
    if not encoded:
        raise OSError("a picture could not be encoded as PNG")
    return data.tobytes()


def _rng(plan: PhantomPlan, label: str, number: int, purpose: int) -> np.random.Generator:
    """Stream for one image and one purpose, whatever else the plan holds."""
    root = np.random.SeedSequence([plan.seed, CLASSES.index(label), number, purpose])
    return np.random.default_rng(root)


def _role(plan: PhantomPlan, label: str, number: int) -> str:
    """What image ``number`` (from 1) is used for, or an empty string.

    Flaws fall on the first images of a class: so image k stays the same when
    ``images_per_class`` changes.
    """
    reached = 0
    for role in _ROLES:
        reached += plan.share(role, label)
        if number <= reached:
            return role
    return ""


def _class_pictures(plan: PhantomPlan, label: str) -> Iterator[_Picture]:
    """Yield a class's originals, then its copies and broken files under the next numbers."""
    sources = []
    for number in range(1, plan.images_per_class + 1):
        picture = _original(plan, label, number)
        yield picture
        if _role(plan, label, number).endswith("_duplicates"):
            sources.append(picture)
    number = plan.images_per_class + 1
    for source in sources:
        yield _copy(plan, source, number)
        number += 1
    if label == _CONFLICT_IN:
        yield _conflicting_copy(plan, number)
        number += 1
    if label in (_TRUNCATED_IN, _TEXT_IN):
        yield _broken(plan, label, number)


def _original(plan: PhantomPlan, label: str, number: int) -> _Picture:
    """Draw one patient and pass the picture through a hospital."""
    role = _role(plan, label, number)
    image, mask = draw_radiograph(label, _rng(plan, label, number, 0), plan.side)
    rng = _rng(plan, label, number, 1)
    source_draw, marker_draw = _even_draws(plan, label, number)
    hospital = _choose_hospital(label, source_draw, rng)
    text = str(rng.choice(MARKERS))
    marker = text if marker_draw < _MARKER_SHARES.get(label, _OTHER_MARKER_SHARE) else ""
    pixels = burn_in(acquire(image, hospital, rng), marker, rng)
    if role == "blurred":
        pixels = defocus(pixels)
    return _Picture(
        label=label,
        number=number,
        encoded=_png(pixels),
        hospital=hospital,
        pixels=pixels,
        mask=None if role == "missing_masks" else mask,
        marker=marker,
        blurred=role == "blurred",
    )


def _even_draws(plan: PhantomPlan, label: str, number: int) -> tuple[float, float]:
    """Two numbers in [0, 1), evenly spread over the images of a class.

    Independent draws would leave the planted shares ten points off in a study this small. The
    steps are those of the two-dimensional R2 sequence (Roberts, 2018), so both shares also hold
    within each other.
    """
    start = _rng(plan, label, 0, 0).random(2)
    first, second = (start + number * np.array([0.7548776662, 0.5698402910])) % 1.0
    return float(first), float(second)


def _choose_hospital(label: str, draw: float, rng: np.random.Generator) -> Hospital:
    """Pick the class's own hospital mostly, any of the others otherwise."""
    favourite = CLASSES.index(label)
    step = int(rng.integers(1, len(HOSPITALS)))
    if draw < _FAVOURITE_SHARE:
        return HOSPITALS[favourite]
    return HOSPITALS[(favourite + step) % len(HOSPITALS)]


def _copy(plan: PhantomPlan, source: _Picture, number: int) -> _Picture:
    """Copy an image within its class in the way the source was set aside for."""
    copy = replace(source, number=number, duplicate_of=source.image_id)
    role = _role(plan, source.label, source.number)
    if role == "exact_duplicates":
        return replace(copy, duplicate_kind="exact")
    if role == "reencoded_duplicates":
        pixels = first_alike(source.pixels, reencoded(source.pixels))
        return replace(copy, duplicate_kind="reencoded", pixels=pixels, encoded=_png(pixels))
    rng = _rng(plan, source.label, source.number, 2)
    pixels = first_alike(source.pixels, shifted(source.pixels, rng))
    return replace(copy, duplicate_kind="shifted", pixels=pixels, encoded=_png(pixels))


def _conflicting_copy(plan: PhantomPlan, number: int) -> _Picture:
    """The same bytes as an image of another class: one of the two labels must be wrong."""
    roles = (_role(plan, _CONFLICT_FROM, k) for k in range(1, plan.images_per_class + 1))
    source = _original(plan, _CONFLICT_FROM, list(roles).index("label_conflicts") + 1)
    return replace(
        source,
        label=_CONFLICT_IN,
        number=number,
        duplicate_of=source.image_id,
        duplicate_kind="label_conflict",
    )


def _broken(plan: PhantomPlan, label: str, number: int) -> _Picture:
    """A file that is no image: a PNG cut off midway, or a text renamed to .png."""
    whole = _original(plan, label, number)
    text = b"This file was a request form before it was renamed.\n"
    cut = label == _TRUNCATED_IN
    return replace(
        whole,
        encoded=whole.encoded[: len(whole.encoded) * 2 // 5] if cut else text,
        mask=None,
        marker="",
        defect="truncated" if cut else "not_an_image",
    )
