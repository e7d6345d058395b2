"""Draw one synthetic chest radiograph: a patient, the findings of a class, and the film.

The picture is built the way a radiograph is: every tissue adds attenuation along the beam, and
the film turns the sum into grey through ``1 - exp(-attenuation)``.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from covid_xray.phantom.anatomy import (
    Anatomy,
    Field,
    View,
    as_field,
    bell,
    cloud,
    ellipse,
    hila,
    outline_chest,
    pixel_grid,
    place_patient,
    soft_step,
)
from covid_xray.phantom.tissues import draw_vessels, healthy_attenuation

Grey = npt.NDArray[np.uint8]

CLASSES: tuple[str, ...] = ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia")
MIN_SIDE = 64
# Nothing but grain is finer than two pixels, so tissues are drawn smaller (at half the cost) and
# enlarged before the film is exposed.
_WORKING_SHARE = 0.75


def draw_radiograph(label: str, rng: np.random.Generator, side: int = 299) -> tuple[Grey, Grey]:
    """Draw one frontal chest radiograph and the outline of its lungs.

    The patient, the findings and the film grain come from three separate streams, so the same
    generator state gives the same patient whatever the label.

    Args:
        label: One of ``CLASSES``; it decides the findings inside the lungs.
        rng: Source of all randomness; three numbers are taken from it.
        side: Width and height of the picture in pixels.

    Returns:
        The radiograph, uint8 of shape (side, side), and the mask of both lungs without the
        heart's shadow, uint8 of the same shape holding 0 and 255.

    Raises:
        ValueError: If ``label`` is unknown or ``side`` is below ``MIN_SIDE``.
    """
    if label not in CLASSES:
        raise ValueError(f"label must be one of {CLASSES}, not {label!r}")
    if side < MIN_SIDE:
        raise ValueError(f"side must be at least {MIN_SIDE} pixels, not {side}")
    patient, disease, film = (np.random.default_rng(s) for s in rng.integers(0, 2**62, size=3))
    anatomy = Anatomy.sample(patient)
    view = place_patient(anatomy, round(_WORKING_SHARE * side))
    chest = outline_chest(view, anatomy)
    attenuation = healthy_attenuation(view, chest, anatomy, patient)
    attenuation += soft_step(chest.lung - 0.012, 0.015) * _findings(label, view, anatomy, disease)
    mask = np.where(_enlarge(chest.lung, side) > 0, 255, 0).astype(np.uint8)
    return _expose(_enlarge(attenuation, side), anatomy, film), mask


def _enlarge(field: Field, side: int) -> Field:
    return as_field(cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC))


def _findings(label: str, view: View, anatomy: Anatomy, rng: np.random.Generator) -> Field:
    draw_of = {
        "COVID": _ground_glass,
        "Lung_Opacity": _focal_opacity,
        "Viral Pneumonia": _interstitial_haze,
    }
    return draw_of[label](view, anatomy, rng) if label in draw_of else np.zeros_like(view.x)


def _ground_glass(view: View, anatomy: Anatomy, rng: np.random.Generator) -> Field:
    """COVID: hazy patches along the outer wall of both lower zones."""
    spots = []
    for sign in (-1.0, 1.0):
        for _ in range(int(rng.integers(2, 5))):
            out = anatomy.thorax * rng.uniform(0.62, 0.95)
            down = anatomy.dome_right - abs(rng.normal(0.0, 0.22)) + 0.06
            spots.append((sign * out, down, rng.uniform(0.12, 0.24)))
    side = view.x.shape[0]
    mottle = 1.0 + 0.22 * cloud(rng, side, 26) + 0.12 * cloud(rng, side, 60)
    return as_field(rng.uniform(0.55, 1.30) * _blobs(view, spots, cloud(rng, side, 14)) * mottle)


def _focal_opacity(view: View, anatomy: Anatomy, rng: np.random.Generator) -> Field:
    """Lung opacity: one or two dense patches anywhere in the lungs."""
    spots = []
    for _ in range(int(rng.integers(1, 3))):
        sign = rng.choice((-1.0, 1.0))
        inset = 0.50 if sign < 0 else 0.66  # the heart hides the inner part of one lung
        x = sign * anatomy.thorax * rng.uniform(inset - 0.08, inset + 0.16)
        y = rng.uniform(-0.40, anatomy.dome_right - 0.08)
        spots.append((float(x), float(y), rng.uniform(0.12, 0.26)))
    side = view.x.shape[0]
    mottle = 1.0 + 0.10 * cloud(rng, side, 22)
    return as_field(rng.uniform(0.90, 1.80) * _blobs(view, spots, cloud(rng, side, 11)) * mottle)


def _interstitial_haze(view: View, anatomy: Anatomy, rng: np.random.Generator) -> Field:
    """Viral pneumonia: streaks and haze spreading from both hila."""
    side = view.x.shape[0]
    near = np.zeros_like(view.x)
    for x, y in hila(anatomy):
        spread = ellipse(view, (x, y + 0.08), (0.42, 0.52))
        np.maximum(near, np.exp((spread - 0.42) * (1.0 / 0.42)), out=near)
    # Ridges of a cloud, where it crosses zero, make the net of thickened septa.
    net = bell(cloud(rng, side, 34), 0.30) + bell(cloud(rng, side, 50), 0.25)
    more = draw_vessels(view, anatomy, rng)
    haze = near * (0.45 + 0.28 * net + 0.14 * cloud(rng, side, 12)) + 0.60 * more
    return as_field(rng.uniform(0.70, 1.50) * haze)


def _blobs(view: View, spots: list[tuple[float, float, float]], ragged: Field) -> Field:
    """Union of ragged soft discs given as (x, y, radius)."""
    total = np.zeros_like(view.x)
    border = 0.30 * ragged - 0.15
    for x, y, radius in spots:
        nearness = border + ellipse(view, (x, y), (radius, 1.15 * radius)) * (1.0 / radius)
        np.maximum(total, soft_step(nearness, 0.38), out=total)
    return as_field(total)


def _expose(attenuation: Field, anatomy: Anatomy, rng: np.random.Generator) -> Grey:
    """Turn attenuation into grey levels: film curve, focal blur, vignette and grain."""
    side = attenuation.shape[0]
    film_x, film_y = pixel_grid(side)
    light = 1.0 - np.exp(-0.50 * np.clip(attenuation, 0.0, None))
    light = cv2.GaussianBlur(as_field(light), (0, 0), anatomy.sharpness * side / 299)
    light = light * (1.0 - anatomy.vignette * (film_x**2 + film_y**2) / 2.0)
    grain = as_field(cv2.GaussianBlur(as_field(rng.standard_normal((side, side))), (0, 0), 0.4))
    grey = 6.0 + 262.0 * light + anatomy.grain * grain * (0.6 + 0.5 * light)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
