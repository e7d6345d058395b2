"""Resizing: nothing happens at the right size, luminosity and two-valued masks are kept."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from covid_xray.imaging.resizing import resize_lung_mask, resize_radiograph, resize_rows

SEEDS = st.integers(0, 2**32 - 1)


def noise(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@given(SEEDS, st.integers(1, 60))
@settings(deadline=None, max_examples=20)
def test_a_radiograph_of_the_wanted_size_is_unchanged(seed, side):
    pixels = noise(seed, (side, side))
    np.testing.assert_array_equal(resize_radiograph(pixels, side), pixels)


@given(SEEDS, st.integers(8, 40), st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None, max_examples=50)
def test_shrinking_keeps_the_mean_within_half_a_grey_level(seed, side, taller, wider):
    pixels = noise(seed, (side + taller, side + wider))
    small = resize_radiograph(pixels, side)
    assert small.shape == (side, side)
    assert small.dtype == np.uint8
    # Areas are averaged exactly; each result is then rounded by half a level at most.
    assert abs(small.mean() - pixels.mean()) <= 0.5 + 1e-3


@given(SEEDS, st.integers(2, 12), st.integers(1, 5), st.integers(1, 5))
@settings(deadline=None, max_examples=30)
def test_shrinking_by_whole_factors_averages_blocks(seed, side, down, across):
    pixels = noise(seed, (side * down, side * across))
    blocks = pixels.reshape(side, down, side, across).mean(axis=(1, 3))
    assert np.abs(resize_radiograph(pixels, side) - blocks).max() <= 0.5 + 1e-3


@given(SEEDS, st.integers(2, 30), st.integers(2, 30), st.integers(31, 70))
@settings(deadline=None, max_examples=30)
def test_growing_invents_no_grey_outside_the_range(seed, height, width, side):
    pixels = noise(seed, (height, width))
    large = resize_radiograph(pixels, side)
    assert large.shape == (side, side)
    assert pixels.min() <= large.min()
    assert large.max() <= pixels.max()


def test_growing_a_ramp_gives_a_ramp():
    ramp = np.tile(np.arange(0, 200, 20, dtype=np.uint8), (10, 1))
    centres = (np.arange(40) + 0.5) / 4 - 0.5
    expected = np.interp(centres, np.arange(10), ramp[0])
    assert np.abs(resize_radiograph(ramp, 40) - expected).max() <= 1


@given(SEEDS, st.tuples(*[st.integers(1, 50)] * 4))
@settings(deadline=None, max_examples=50)
def test_a_resized_mask_holds_nothing_but_0_and_1(seed, sizes):
    mask = noise(seed, sizes[:2]) % 2
    resized = resize_lung_mask(mask, sizes[2:])
    assert resized.shape == sizes[2:]
    assert set(np.unique(resized)) <= set(np.unique(mask)) <= {0, 1}


@given(SEEDS, st.integers(1, 20), st.integers(1, 20), st.integers(1, 4), st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_a_mask_grown_by_whole_factors_repeats_its_pixels_and_shrinks_back(
    seed, height, width, down, across
):
    mask = noise(seed, (height, width)) % 2
    grown = resize_lung_mask(mask, (height * down, width * across))
    np.testing.assert_array_equal(grown, np.kron(mask, np.ones((down, across), np.uint8)))
    np.testing.assert_array_equal(resize_lung_mask(grown, mask.shape), mask)


@given(SEEDS, st.lists(st.integers(0, 6), max_size=9), st.integers(1, 12))
@settings(deadline=None, max_examples=30)
def test_rows_are_resized_one_by_one_in_the_order_asked_for(seed, rows, side):
    images = noise(seed, (7, 9, 6))
    resized = resize_rows(images, np.array(rows, np.intp), side)
    assert (resized.shape, resized.dtype) == ((len(rows), side, side), np.uint8)
    for place, row in enumerate(rows):
        np.testing.assert_array_equal(resized[place], resize_radiograph(images[row], side))


def test_resized_rows_of_the_right_size_are_copies_and_their_source_stays_as_it_was():
    images = noise(0, (4, 8, 8))
    kept = images.copy()
    resized = resize_rows(images, np.array([2, 0]), 8)
    np.testing.assert_array_equal(resized, images[[2, 0]])
    resized[...] = 0
    np.testing.assert_array_equal(images, kept)
