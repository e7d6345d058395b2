"""Predicted lung masks: two lungs without holes are left, as a slow reference leaves them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from covid_xray.imaging.lung_masks import clean_lung_mask, count_components

EIGHT_CONNECTED = np.ones((3, 3))


@st.composite
def blobs(draw):
    """Random masks, from a few dots to nearly full ones, with smooth blobs among them."""
    shape = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(shape)
    smooth = ndimage.uniform_filter(noise, draw(st.integers(1, 4)))
    return (smooth < draw(st.floats(0, 1))).astype(np.uint8)


def draw_mask(*rows):
    return np.array([[pixel == "#" for pixel in row] for row in rows], np.uint8)


def components(mask):
    """Sets of touching pixels, corners included, found by walking from pixel to pixel."""
    unseen = {tuple(place) for place in np.argwhere(mask)}
    found = []
    while unseen:
        front, component = [unseen.pop()], set()
        while front:
            y, x = front.pop()
            component.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & unseen
            unseen -= near
            front += near
        found.append(component)
    return found


def test_the_two_largest_of_three_blobs_are_kept():
    mask = draw_mask(
        "###.....#",
        "###......",
        "......##.",
        "......##.",
    )
    kept = draw_mask(
        "###......",
        "###......",
        "......##.",
        "......##.",
    )
    np.testing.assert_array_equal(clean_lung_mask(mask), kept)


def test_a_hole_is_filled_and_a_bay_is_not():
    mask = draw_mask(
        "#####.####",
        "#...#.#..#",
        "#.#.#.#...",
        "#...#.#..#",
        "#####.####",
    )
    filled = draw_mask(
        "#####.####",
        "#####.#..#",
        "#####.#...",
        "#####.#..#",
        "#####.####",
    )
    # The dot inside the hole is a component of its own, and the smallest.
    assert count_components(mask) == 3
    np.testing.assert_array_equal(clean_lung_mask(mask), filled)


def test_a_gap_between_the_lungs_and_the_border_is_no_hole():
    mask = draw_mask(
        "#..#",
        "#..#",
        "####",
    )
    np.testing.assert_array_equal(clean_lung_mask(mask), mask)


def test_pixels_that_touch_at_a_corner_are_one_component_and_close_a_hole():
    mask = draw_mask(
        ".#.",
        "#.#",
        ".#.",
    )
    assert count_components(mask) == 1
    np.testing.assert_array_equal(clean_lung_mask(mask), draw_mask(".#.", "###", ".#."))


def test_of_equal_blobs_those_further_up_then_further_left_are_kept():
    mask = draw_mask(
        "......##",
        "##.##...",
    )
    np.testing.assert_array_equal(clean_lung_mask(mask), draw_mask("......##", "##......"))
    in_a_row = draw_mask("##.##.##")
    np.testing.assert_array_equal(clean_lung_mask(in_a_row), draw_mask("##.##..."))


@pytest.mark.parametrize(("value", "n_components"), [(0, 0), (1, 1)])
def test_an_empty_and_a_full_mask_stay_as_they_are(value, n_components):
    mask = np.full((7, 5), value, np.uint8)
    assert count_components(mask) == n_components
    np.testing.assert_array_equal(clean_lung_mask(mask), mask)


@given(blobs())
@settings(deadline=None, max_examples=100)
def test_components_are_those_found_by_walking(mask):
    assert count_components(mask) == len(components(mask))


@given(blobs())
@settings(deadline=None, max_examples=100)
def test_the_kept_area_is_that_of_the_largest_components_filled(mask):
    cleaned = clean_lung_mask(mask)
    sizes = sorted(map(len, components(mask)), reverse=True)
    kept = [component for component in components(mask) if cleaned[next(iter(component))]]
    # A smaller component survives only where it lay in the hole of a kept one.
    assert sorted(map(len, kept), reverse=True)[:2] == sizes[:2]
    refilled = np.zeros(mask.shape, bool)
    for component in kept:
        refilled[tuple(np.transpose(list(component)))] = True
    np.testing.assert_array_equal(cleaned, ndimage.binary_fill_holes(refilled))


@given(blobs())
@settings(deadline=None, max_examples=100)
def test_a_cleaned_mask_lies_in_the_filled_one_and_has_at_most_two_components(mask):
    before = mask.copy()
    cleaned = clean_lung_mask(mask)
    np.testing.assert_array_equal(mask, before)
    assert cleaned.dtype == np.uint8
    assert cleaned.shape == mask.shape
    assert (cleaned <= ndimage.binary_fill_holes(mask)).all()
    assert ndimage.label(cleaned, EIGHT_CONNECTED)[1] <= 2


@given(blobs())
@settings(deadline=None, max_examples=100)
def test_cleaning_twice_is_cleaning_once(mask):
    cleaned = clean_lung_mask(mask)
    np.testing.assert_array_equal(clean_lung_mask(cleaned), cleaned)
