"""Patients of the synthetic study: their traits, their place on the film and their outlines.

Geometry is in patient units: x runs from -1 to 1 across the picture and y from -1 (top) to 1
(bottom) before the patient is shifted, scaled and rotated. The patient faces the viewer, so the
heart bulges towards positive x, the right of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, sin
from typing import Annotated, Any, get_type_hints

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Anatomy:
    """One patient and one exposure: lengths in patient units, angles in radians.

    Each trait comes with the range it is drawn from; every range is wide on purpose, because two
    patients must never look like copies of each other.
    """

    shift_x: Annotated[float, (-0.09, 0.09)]
    shift_y: Annotated[float, (-0.08, 0.08)]
    turn: Annotated[float, (-0.075, 0.075)]
    zoom_x: Annotated[float, (0.88, 1.12)]
    zoom_y: Annotated[float, (0.90, 1.10)]
    thorax: Annotated[float, (0.66, 0.82)]
    apex: Annotated[float, (-0.86, -0.74)]
    roundness: Annotated[float, (2.3, 3.6)]
    wall: Annotated[float, (0.10, 0.26)]
    dome_right: Annotated[float, (0.34, 0.58)]
    dome_left: Annotated[float, (0.02, 0.09)]
    dome_height: Annotated[float, (0.16, 0.32)]
    heart_x: Annotated[float, (0.09, 0.19)]
    heart_y: Annotated[float, (-0.20, -0.10)]
    heart_size: Annotated[float, (0.25, 0.36)]
    heart_tilt: Annotated[float, (0.35, 0.85)]
    aorta: Annotated[float, (0.075, 0.125)]
    mediastinum: Annotated[float, (0.13, 0.19)]
    spine_bend: Annotated[float, (-0.03, 0.03)]
    rib_gap: Annotated[float, (0.135, 0.185)]
    rib_phase: Annotated[float, (0.0, 1.0)]
    rib_arch: Annotated[float, (0.14, 0.26)]
    rib_width: Annotated[float, (0.024, 0.034)]
    rib_density: Annotated[float, (0.26, 0.50)]
    clavicle_y: Annotated[float, (-0.66, -0.54)]
    clavicle_rise: Annotated[float, (0.02, 0.16)]
    shoulder_y: Annotated[float, (-1.22, -1.02)]
    shoulder_drop: Annotated[float, (0.26, 0.50)]
    arm_gap: Annotated[float, (-0.08, 0.12)]
    arm_spread: Annotated[float, (0.0, 0.30)]
    thickness: Annotated[float, (1.9, 2.7)]
    air: Annotated[float, (0.74, 0.84)]
    breast: Annotated[float, (-0.25, 0.40)]
    stomach: Annotated[float, (-0.5, 0.8)]
    vessels: Annotated[float, (0.7, 1.25)]
    sharpness: Annotated[float, (0.50, 0.75)]
    grain: Annotated[float, (2.4, 3.9)]
    vignette: Annotated[float, (0.04, 0.16)]

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Anatomy:
        """Draw every trait uniformly from its range, in the order of the fields."""
        traits = get_type_hints(cls, include_extras=True)
        return cls(
            **{name: float(rng.uniform(*trait.__metadata__[0])) for name, trait in traits.items()}
        )


@dataclass(frozen=True)
class View:
    """Patient coordinates of every pixel; all arrays are float32 of shape (side, side)."""

    x: Field
    y: Field
    across: Field  # distance from the midline, |x|
    left: Field  # 1 on the patient's left (the right of the picture), else 0
    to_pixels: npt.NDArray[np.float64]  # (2, 3) affine map from patient units to pixels


def as_field(values: Any) -> Field:
    """Array as float32, copied only where needed."""
    return np.asarray(values, dtype=np.float32)


@lru_cache(maxsize=4)
def pixel_grid(side: int) -> tuple[Field, Field]:
    """Film coordinates x and y of every pixel centre, each (side, side), from -1 to 1."""
    axis = (np.arange(side, dtype=np.float32) + 0.5) * (2.0 / side) - 1.0
    x, y = np.meshgrid(axis, axis)
    return as_field(x), as_field(y)


def place_patient(anatomy: Anatomy, side: int) -> View:
    """Place the patient in front of the film (rotation, scale and shift)."""
    film_x, film_y = pixel_grid(side)
    cosine, sine = cos(anatomy.turn), sin(anatomy.turn)
    dx, dy = film_x - anatomy.shift_x, film_y - anatomy.shift_y
    y = as_field((dy * cosine - dx * sine) / anatomy.zoom_y)
    # A curved spine is a shear of the whole trunk: everything beside it follows.
    bend = anatomy.spine_bend * np.sin(2.2 * y)
    x = as_field((dx * cosine + dy * sine) / anatomy.zoom_x - bend)
    half = side / 2.0
    to_pixels = half * np.array(
        [
            [cosine * anatomy.zoom_x, -sine * anatomy.zoom_y, anatomy.shift_x + 1.0],
            [sine * anatomy.zoom_x, cosine * anatomy.zoom_y, anatomy.shift_y + 1.0],
        ]
    )
    return View(x, y, np.abs(x), as_field(x > 0), to_pixels)


def soft_step(distance: Any, softness: float) -> Field:
    """Smooth step from 0 to 1, half way where the signed distance is 0."""
    # A cubic is several times cheaper than tanh and cannot be told from it on film.
    scaled = np.multiply(distance, 1.0 / (3.2 * softness), dtype=np.float32)
    ramp = np.clip(scaled + 0.5, 0.0, 1.0)
    return as_field(ramp * ramp * (3.0 - 2.0 * ramp))


def bell(distance: Any, width: float) -> Field:
    """Bell of height 1 where ``distance`` is 0, down to 1/e at ``width``."""
    scaled = np.multiply(distance, 1.0 / width, dtype=np.float32)
    return as_field(np.exp(-scaled * scaled))


def soft_min(first: Field, second: Field, rounding: float) -> Field:
    """Minimum of two signed distances with the corner between them rounded off."""
    apart = first - second
    gap = np.clip(apart * (-0.5 / rounding) + 0.5, 0.0, 1.0)
    return as_field((apart + rounding * (gap - 1.0)) * gap + second)


def ellipse(
    view: View, centre: tuple[float, float], axes: tuple[float, float], turn: float = 0.0
) -> Field:
    """Approximate signed distance to an ellipse turned by ``turn``, positive inside."""
    dx, dy = view.x - centre[0], view.y - centre[1]
    along = (dx * cos(turn) + dy * sin(turn)) * (1.0 / axes[0])
    beside = (dy * cos(turn) - dx * sin(turn)) * (1.0 / axes[1])
    return as_field((1.0 - np.sqrt(along * along + beside * beside)) * min(axes))


def cloud(rng: np.random.Generator, side: int, cells: int) -> Field:
    """Smooth random field of about unit variance with ``cells`` lumps across the picture."""
    lumps = rng.standard_normal((cells, cells)).astype(np.float32)
    return as_field(cv2.resize(lumps, (side, side), interpolation=cv2.INTER_CUBIC))


@dataclass(frozen=True)
class Chest:
    """Shapes shared by several tissues, as signed distances in patient units."""

    half_width: Field  # of the rib cage at each pixel's height
    lung: Field  # positive inside either lung
    heart: Field
    above_dome: Field  # positive above the diaphragm


def outline_chest(view: View, anatomy: Anatomy) -> Chest:
    """Outline the rib cage, the diaphragm domes, the heart and the two lungs."""
    widest, top = 0.42, anatomy.apex
    rise = np.clip((widest - view.y) / (widest - top), 0.0, 0.999)
    half_width = as_field(anatomy.thorax * np.sqrt(1.0 - rise**anatomy.roundness) + 0.004)
    centre = 0.40 * anatomy.thorax / 0.74
    out = view.across - centre
    # Steeper towards the rib cage than towards the heart.
    fall = np.maximum(out / (anatomy.thorax - centre), out / (-1.35 * centre))
    dome = anatomy.dome_right + anatomy.dome_left * view.left + anatomy.dome_height * fall * fall
    above_dome = as_field(dome - view.y)
    heart = _heart(view, anatomy)
    upper = np.clip(-0.30 - view.y, 0.0, None)
    # Fat fills the corner between the heart and the diaphragm.
    corner = 0.10 * bell(np.clip(above_dome, 0.0, None), 0.13)
    inner = anatomy.mediastinum + 0.10 * upper + 0.25 * upper**2 + corner
    beside = soft_min(as_field(half_width - view.across), as_field(view.across - inner), 0.17)
    beside = soft_min(beside, as_field(-heart), 0.04)
    lung = soft_min(beside, above_dome, 0.025)
    return Chest(half_width, lung, heart, above_dome)


def _heart(view: View, anatomy: Anatomy) -> Field:
    """Join left ventricle, right atrium, great vessels and aortic knob into one outline."""
    size = anatomy.heart_size
    level = anatomy.dome_right + anatomy.heart_y
    axes = (1.30 * size, 0.90 * size)
    ventricle = ellipse(view, (anatomy.heart_x, level), axes, anatomy.heart_tilt)
    atrium = ellipse(view, (-0.01, level - 0.01), (0.62 * size + 0.02, 1.05 * size))
    trunk = ellipse(view, (0.07, -0.14), (0.40 * size + 0.03, 0.30))
    knob = ellipse(view, (0.09, -0.33), (anatomy.aorta + 0.01, anatomy.aorta + 0.03))
    joined = soft_min(as_field(-ventricle), as_field(-atrium), 0.10)
    joined = soft_min(joined, as_field(-trunk), 0.14)
    return as_field(-soft_min(joined, as_field(-knob), 0.06))


def hila(anatomy: Anatomy) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where the vessels enter the right and the left lung, as (x, y)."""
    return (-anatomy.mediastinum - 0.05, 0.0), (anatomy.mediastinum + 0.07, -0.06)
