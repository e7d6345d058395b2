"""The pictures of a phantom study: originals, their copies, and broken files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import cv2
import numpy as np

from covid_xray.phantom.acquisition import HOSPITALS, MARKERS, Hospital, acquire, burn_in, defocus
from covid_xray.phantom.copies import first_alike, reencoded, shifted
from covid_xray.phantom.drawing import CLASSES, Grey, draw_radiograph
from covid_xray.phantom.plan import CONFLICT_FROM, CONFLICT_IN, PhantomPlan

_FAVOURITE_SHARE = 0.70  # of a class's images come from its own hospital
_MARKER_SHARES = {"COVID": 0.80}
_OTHER_MARKER_SHARE = 0.15
_DEFECTS = {"COVID": "truncated", "Viral Pneumonia": "not_an_image"}


@dataclass(frozen=True)
class Picture:
    """One file of the study, ready to write, with the truth about it."""

    label: str
    number: int
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
        """Name of the radiograph."""
        return f"{self.label}-{self.number}"

    def encode(self) -> bytes:
        """The file's bytes: a PNG, a PNG cut off midway, or a text renamed to .png."""
        if self.defect == "not_an_image":
            return b"This file was a request form before it was renamed.\n"
        whole = png(self.pixels)
        return whole[: len(whole) * 2 // 5] if self.defect else whole


def png(pixels: cv2.typing.MatLike) -> bytes:
    """A picture as the bytes of a PNG file."""
    encoded, data = cv2.imencode(".png", pixels)
    if not encoded:
        raise OSError("a picture could not be encoded as PNG")
    return data.tobytes()


def _rng(plan: PhantomPlan, label: str, number: int, purpose: int) -> np.random.Generator:
    """Stream for one image and one purpose, whatever else the plan holds."""
    root = np.random.SeedSequence([plan.seed, CLASSES.index(label), number, purpose])
    return np.random.default_rng(root)


def class_pictures(plan: PhantomPlan, label: str) -> Iterator[Picture]:
    """Yield a class's originals, then its copies and broken files under the next numbers."""
    sources = []
    for number in range(1, plan.images_per_class + 1):
        picture = _original(plan, label, number)
        yield picture
        if plan.role(label, number).endswith("_duplicates"):
            sources.append(picture)
    numbers = count(plan.images_per_class + 1)
    for source in sources:
        yield _copy(plan, source, next(numbers))
    if label == CONFLICT_IN:
        yield _conflicting_copy(plan, next(numbers))
    if label in _DEFECTS:
        broken = _original(plan, label, next(numbers))
        yield replace(broken, mask=None, marker="", defect=_DEFECTS[label])


def _original(plan: PhantomPlan, label: str, number: int) -> Picture:
    """Draw one patient and pass the picture through a hospital."""
    role = plan.role(label, number)
    image, mask = draw_radiograph(label, _rng(plan, label, number, 0), plan.side)
    rng = _rng(plan, label, number, 1)
    source_draw, marker_draw = _even_draws(plan, label, number)
    hospital = _choose_hospital(label, source_draw, rng)
    text = str(rng.choice(MARKERS))
    marker = text if marker_draw < _MARKER_SHARES.get(label, _OTHER_MARKER_SHARE) else ""
    if not plan.shortcuts:
        hospital, marker = HOSPITALS[int(source_draw * len(HOSPITALS))], ""
    pixels = burn_in(acquire(image, hospital, rng), marker, rng)
    if role == "blurred":
        pixels = defocus(pixels)
    return Picture(
        label=label,
        number=number,
        pixels=pixels,
        hospital=hospital,
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
    away = 0 if draw < _FAVOURITE_SHARE else step
    return HOSPITALS[(favourite + away) % len(HOSPITALS)]


def _copy(plan: PhantomPlan, source: Picture, number: int) -> Picture:
    """Copy an image within its class in the way the source was set aside for."""
    kind = plan.role(source.label, source.number).removesuffix("_duplicates")
    candidates = {
        "exact": iter([source.pixels]),
        "reencoded": reencoded(source.pixels),
        "shifted": shifted(source.pixels, _rng(plan, source.label, source.number, 2)),
    }
    pixels = first_alike(source.pixels, candidates[kind])
    named = replace(source, number=number, duplicate_of=source.image_id)
    return replace(named, duplicate_kind=kind, pixels=pixels)


def _conflicting_copy(plan: PhantomPlan, number: int) -> Picture:
    """The same bytes as an image of another class: one of the two labels must be wrong."""
    roles = [plan.role(CONFLICT_FROM, k) for k in range(1, plan.images_per_class + 1)]
    source = _original(plan, CONFLICT_FROM, roles.index("label_conflicts") + 1)
    named = replace(source, label=CONFLICT_IN, number=number)
    return replace(named, duplicate_of=source.image_id, duplicate_kind="label_conflict")
