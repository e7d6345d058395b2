"""What hospitals do to the films of the synthetic study: exposure, burned-in text, lost focus."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from covid_xray.phantom.drawing import Grey

MARKERS: tuple[str, ...] = ("PORTABLE", "R", "L AP SUPINE")
_BLUR_PIXELS = 2.8  # at 299 pixels; wipes out grain and marker edges alike


@dataclass(frozen=True)
class Hospital:
    """A made-up source of radiographs and the look of its films.

    Attributes:
        name: Hospital name.
        url: Address given in the metadata.
        brightness: Grey levels added.
        contrast: Factor around mid-grey.
        gamma: Exponent of the grey curve; above 1 darkens the lungs.
    """

    name: str
    url: str
    brightness: float
    contrast: float
    gamma: float


# In the order of CLASSES: each is the favourite source of one class.
HOSPITALS: tuple[Hospital, ...] = (
    Hospital("Hospital A", "https://phantom.example/hospital-a", 8.0, 0.88, 0.92),
    Hospital("Hospital B", "https://phantom.example/hospital-b", -6.0, 1.08, 1.12),
    Hospital("Hospital C", "https://phantom.example/hospital-c", 0.0, 1.14, 1.25),
    Hospital("Hospital D", "https://phantom.example/hospital-d", -10.0, 0.95, 1.00),
)


def acquire(image: Grey, hospital: Hospital, rng: np.random.Generator) -> Grey:
    """Give a film its hospital's look, with the spread of everyday exposures around it."""
    gamma = hospital.gamma * rng.uniform(0.90, 1.10)
    contrast = hospital.contrast * rng.uniform(0.93, 1.07)
    brightness = hospital.brightness + rng.uniform(-8.0, 8.0)
    grey = 255.0 * (np.arange(256) / 255.0) ** gamma
    curve = np.clip(np.rint(127.5 + contrast * (grey - 127.5) + brightness), 0, 255)
    # Air stays nearly black whatever the contrast, as on a real film.
    curve = np.minimum(curve, np.arange(256) * 2.0)
    return np.asarray(curve.astype(np.uint8)[image], dtype=np.uint8)


def burn_in(image: Grey, marker: str, rng: np.random.Generator) -> Grey:
    """Write ``marker`` into one of the upper corners; always takes two draws from ``rng``."""
    on_right, drop = bool(rng.integers(2)), rng.uniform(0.03, 0.07)
    if not marker:
        return image
    side = image.shape[0]
    scale, pen = 0.42 * side / 299, max(1, round(side / 299))
    (width, height), _ = cv2.getTextSize(marker, cv2.FONT_HERSHEY_SIMPLEX, scale, pen)
    left = round(0.97 * side) - width if on_right else round(0.03 * side)
    at = (left, round(drop * side) + height)
    written = image.copy()
    cv2.putText(written, marker, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (235,), pen, cv2.LINE_AA)
    return written


def defocus(image: Grey) -> Grey:
    """Blur an image (side, side) far beyond any sharp one."""
    spread = _BLUR_PIXELS * image.shape[0] / 299
    return np.asarray(cv2.GaussianBlur(image, (0, 0), spread), dtype=np.uint8)
