"""Healthy tissues of the synthetic chest, as attenuation along the beam.

Attenuations add up, so ribs, vessels and heart brighten each other where they overlap, without
any hand-made blending. All maps are float32 of the shape of the view.
"""

from __future__ import annotations

from math import cos, sin

import cv2
import numpy as np

from covid_xray.phantom.anatomy import (
    Anatomy,
    Chest,
    Field,
    View,
    as_field,
    bell,
    cloud,
    ellipse,
    hila,
    soft_step,
)

_THINNEST_FORK = 0.26  # width relative to the trunk; thinner vessels do not show on film


def healthy_attenuation(
    view: View, chest: Chest, anatomy: Anatomy, rng: np.random.Generator
) -> Field:
    """Sum every healthy tissue along the beam."""
    side = view.x.shape[0]
    tissue = _soft_tissue(view, anatomy)
    inside = soft_step(tissue - 0.05, 0.1)
    bones = _ribs(view, chest, anatomy, cloud(rng, side, 7))
    bones = bones + _clavicles(view, anatomy) + _shoulder_bones(view, anatomy)
    organs = _midline(view, chest, anatomy) + _belly(view, chest, anatomy)
    texture = 0.05 * cloud(rng, side, 9) + 0.02 * cloud(rng, side, 40)
    vessels = draw_vessels(view, anatomy, rng) * soft_step(chest.lung + 0.03, 0.03)
    hollow = tissue * (1.0 - anatomy.air * _lung_air(chest)) * (1.0 + texture)
    return as_field(hollow + inside * (bones + organs) + vessels)


def _soft_tissue(view: View, anatomy: Anatomy) -> Field:
    """Attenuation of neck, trunk and arms before the lungs are hollowed out."""
    trunk = anatomy.thorax + anatomy.wall
    shoulder = 0.60 * soft_step(-0.30 - view.y, 0.22)
    lateral = np.clip(1.0 - (view.across / (trunk + shoulder)) ** 2, 0.0, None)
    out = np.clip(view.across - 0.22, 0.0, 0.9)
    line = anatomy.shoulder_y + anatomy.shoulder_drop * (1.5 * out - 0.62 * out**2)
    top = 1.0 - np.exp(-np.clip(view.y - line, 0.0, None) / 0.20)
    neck = np.clip(1.0 - (view.across / 0.36) ** 2, 0.0, None)
    body = np.maximum(np.sqrt(lateral) * top, 0.62 * np.sqrt(neck) * soft_step(-0.5 - view.y, 0.2))
    return as_field(anatomy.thickness * np.maximum(body, _arms(view, anatomy, trunk)))


def _arms(view: View, anatomy: Anatomy, trunk: float) -> Field:
    """Both upper arms hanging beside the trunk, thinning towards the elbow."""
    down = view.y + 0.45
    axis = trunk + 0.17 + anatomy.arm_gap + anatomy.arm_spread * np.clip(down, 0.0, None)
    inside = np.clip(1.0 - ((view.across - axis) / 0.17) ** 2, 0.0, None)
    return as_field(0.55 * np.sqrt(inside) * soft_step(down, 0.12))


def _lung_air(chest: Chest) -> Field:
    """Share of the beam's path spent in air, 0 to 1: deep centrally, thin at the border."""
    edge = soft_step(chest.lung, 0.012)
    return as_field(edge * (1.0 - 0.62 * np.exp(-np.clip(chest.lung, 0.0, None) / 0.10)))


def _bars(phase: Field, width: float, pitch: float) -> Field:
    """Hollow bars centred where ``phase`` is a whole number, of even width however they bend."""
    grow_y, grow_x = np.gradient(phase, pitch)
    offset = (phase - np.round(phase)) / np.sqrt(grow_x**2 + grow_y**2 + 1e-6)
    across = np.abs(offset) / width
    shell = 0.62 + 0.38 * np.clip(across, 0.0, 1.0) ** 2
    return as_field(shell * soft_step(1.0 - across, 0.22))


def _ribs(view: View, chest: Chest, anatomy: Anatomy, wobble: Field) -> Field:
    """Posterior arches rising from the spine and anterior arches falling towards the sternum."""
    pitch = 2.0 / view.x.shape[0]
    share = view.across / (chest.half_width + 0.035)
    arch = np.sqrt(np.clip(1.0 - share**2, 0.0, 1.0))
    tilt = (0.10 + 0.10 * np.clip(view.y + 0.5, 0.0, None)) * view.across
    level = view.y + 0.012 * wobble
    rising = (level - tilt + anatomy.rib_arch * arch) / anatomy.rib_gap
    falling = (level - 1.25 * anatomy.rib_arch * arch) / (1.08 * anatomy.rib_gap)
    back = _bars(as_field(rising + anatomy.rib_phase), anatomy.rib_width, pitch)
    front = _bars(as_field(falling + anatomy.rib_phase), 1.15 * anatomy.rib_width, pitch)
    # Cartilage does not show: the anterior arches fade before they reach the sternum.
    front = front * soft_step(share - 0.50, 0.14) * soft_step(view.y + 0.42, 0.10)
    back = back * soft_step(view.across - 0.07, 0.03) * soft_step(view.y - anatomy.apex, 0.05)
    caged = soft_step(1.0 - share, 0.03)
    low = soft_step(chest.above_dome + 0.22, 0.12)
    return as_field(anatomy.rib_density * caged * low * (back + 0.62 * front))


def _clavicles(view: View, anatomy: Anatomy) -> Field:
    """Two S-shaped bars from the sternum to the shoulders."""
    run = np.clip((view.across - 0.07) / 0.75, 0.0, 1.0)
    course = anatomy.clavicle_y - anatomy.clavicle_rise * run + 0.035 * np.sin(2 * np.pi * run)
    across = np.abs(view.y - course) / (0.034 + 0.016 * (2.0 * run - 1.0) ** 2)
    shell = 0.55 + 0.45 * np.clip(across, 0.0, 1.0) ** 2
    ends = soft_step(view.across - 0.07, 0.02) * soft_step(0.84 - view.across, 0.03)
    return as_field(0.52 * shell * soft_step(1.0 - across, 0.2) * ends)


def _shoulder_bones(view: View, anatomy: Anatomy) -> Field:
    """Shoulder blades, and each upper arm bone as a head running into its shaft."""
    top = anatomy.clavicle_y - anatomy.clavicle_rise + 0.12
    down = np.clip(view.y - top, 0.0, None)
    axis = anatomy.thorax + anatomy.wall + 0.13 + anatomy.arm_gap + anatomy.arm_spread * down
    girth = 0.050 + 0.055 * bell(down - 0.03, 0.16)
    across = np.abs(view.across - axis) / girth
    shell = 0.55 + 0.45 * np.clip(across, 0.0, 1.0) ** 2
    arm = shell * soft_step(1.0 - across, 0.16) * soft_step(view.y - top, 0.05)
    edge = view.across - (anatomy.thorax + 0.06 - 0.24 * (view.y + 0.35))
    blade = 0.8 * bell(edge, 0.022) + 0.4 * soft_step(edge, 0.03) * soft_step(0.26 - edge, 0.05)
    blade = blade * soft_step(view.y - top - 0.02, 0.06) * soft_step(-0.05 - view.y, 0.06)
    return as_field(0.45 * arm + 0.28 * blade)


def _midline(view: View, chest: Chest, anatomy: Anatomy) -> Field:
    """Vertebrae, mediastinum and heart, with the windpipe hollowed out."""
    column = soft_step(0.088 - view.across, 0.018)
    stack = view.y / (0.115 + 0.02 * view.y)
    gap = np.abs(stack - np.round(stack))
    vertebrae = 0.80 + 0.20 * bell(gap - 0.36, 0.08) - 0.28 * bell(gap - 0.5, 0.07)
    vertebrae = vertebrae + 0.16 * bell(view.across - 0.06, 0.018) * bell(gap - 0.15, 0.15)
    spine = 0.75 * column * vertebrae + 0.18 * bell(view.across, 0.022) * bell(gap, 0.2)
    tissue = 0.45 * soft_step(anatomy.mediastinum - view.across, 0.05)
    heart = 0.80 * np.sqrt(np.clip(chest.heart / anatomy.heart_size, 0.0, 1.0))
    return as_field(spine + tissue + heart - _windpipe(view))


def _windpipe(view: View) -> Field:
    """Air in the trachea and the two main bronchi (attenuation to subtract)."""
    trachea = soft_step(0.046 - view.across, 0.012) * soft_step(-0.24 - view.y, 0.03)
    below = np.clip(view.y + 0.27, 0.0, None)
    bronchus = bell(view.across - 0.02 - 0.85 * below, 0.032) * soft_step(0.13 - below, 0.04)
    return as_field(0.50 * trachea + 0.28 * bronchus * soft_step(view.y + 0.27, 0.02))


def _belly(view: View, chest: Chest, anatomy: Anatomy) -> Field:
    """Dense organs under the domes, a stomach bubble and breast shadows."""
    depth = np.sqrt(np.clip(-chest.above_dome / 0.35, 0.0, 1.0))
    organs = 0.70 * depth * soft_step(anatomy.thorax + 0.06 - view.across, 0.06)
    floor = anatomy.dome_right + anatomy.dome_left
    bubble = soft_step(ellipse(view, (0.36, floor + 0.15), (0.15, 0.075), 0.15), 0.02)
    apart = np.sqrt(((view.across - 0.48) / 0.36) ** 2 + ((view.y - 0.30) / 0.34) ** 2)
    # Below zero, a trait says that the patient shows none.
    breast = max(anatomy.breast, 0.0) * soft_step(1.0 - apart, 0.12) * soft_step(view.y + 0.1, 0.3)
    return as_field(organs - 1.1 * max(anatomy.stomach, 0.0) * bubble + breast)


def draw_vessels(view: View, anatomy: Anatomy, rng: np.random.Generator) -> Field:
    """Branching vessels fanning out of each hilum, thinner with every fork."""
    side = view.x.shape[0]
    segments = np.array(
        [
            segment
            for sign, hilum in zip((-1.0, 1.0), hila(anatomy), strict=True)
            for spoke in (-1.35, -0.95, -0.5, -0.05, 0.35, 0.7, 1.0, 1.3)
            for segment in _branches(hilum, spoke + rng.normal(0.0, 0.16), sign, rng)
        ]
    )
    canvas = np.zeros((side, side), dtype=np.uint8)
    ones = np.ones(len(segments))
    first = view.to_pixels @ np.array([segments[:, 0], segments[:, 1], ones])
    last = view.to_pixels @ np.array([segments[:, 2], segments[:, 3], ones])
    # Four fractional bits place the ends to a sixteenth of a pixel.
    ends = (np.vstack([first, last]).T * 16).round().astype(int).tolist()
    for (x0, y0, x1, y1), wide in zip(ends, segments[:, 4].tolist(), strict=True):
        pen = max(1, round(wide * side * 0.011))
        cv2.line(canvas, (x0, y0), (x1, y1), 70 + 150 * wide, pen, cv2.LINE_AA, 4)
    fine = cv2.GaussianBlur(as_field(canvas), (0, 0), 0.0030 * side)
    right, left = hila(anatomy)
    # One bell per hilum, both at the mean height: a product of two strips is cheap.
    hilar = bell(view.across - 0.5 * (left[0] - right[0]), 0.075) * bell(view.y + 0.03, 0.14)
    return as_field(anatomy.vessels * (0.0021 * fine + 0.26 * hilar))


def _branches(
    hilum: tuple[float, float], heading: float, sign: float, rng: np.random.Generator
) -> list[tuple[float, float, float, float, float]]:
    """One vessel and its forks as segments (x0, y0, x1, y1, width relative to the trunk)."""
    pending = [(hilum[0], hilum[1], heading, float(rng.uniform(0.8, 1.2)))]
    segments = []
    # One call for all forks: a tree of the widest trunk has fewer than 300.
    draws = iter(rng.random((300, 4)).tolist())
    while pending:
        x, y, heading, wide = pending.pop()
        stretch, fork, thick, thin = next(draws)
        length = 0.105 * wide**0.3 * (0.7 + 0.6 * stretch)
        to_x, to_y = x + sign * length * cos(heading), y + length * sin(heading)
        segments.append((x, y, to_x, to_y, wide))
        if wide > _THINNEST_FORK:
            turn = 0.22 + 0.28 * fork
            # The trunk bends a little one way, its branch leaves the other way.
            turn = turn if thick > thin else -turn
            pending.append((to_x, to_y, heading + 0.5 * turn, wide * (0.70 + 0.16 * thick)))
            pending.append((to_x, to_y, heading - turn, wide * (0.35 + 0.27 * thin)))
    return segments
