"""Augmented pairs: whatever is drawn, the lung mask stays on the lungs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covid_xray.imaging.pair_augmentation import PairAugmentation, augment_pair

STILL = PairAugmentation(rotation=0, zoom=0, shift=0, gamma=0, flip=False)
USUAL = PairAugmentation(rotation=10, zoom=0.1, shift=0.05, gamma=0.3, flip=True)
# So far that a disc near the middle of a picture stays inside.
AMPLITUDES = st.builds(
    PairAugmentation,
    rotation=st.floats(0, 180),
    zoom=st.floats(0, 0.3),
    shift=st.floats(0, 0.1),
    gamma=st.floats(0, 2),
    flip=st.booleans(),
)
ONE_SEED = st.integers(0, 2**32 - 1)
SEEDS = st.one_of(ONE_SEED, st.lists(ONE_SEED, min_size=1, max_size=3))
SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def disc(shape, centre, radius):
    """0/1 mask of the pixels within a radius of a centre (y, x)."""
    y, x = np.indices(shape)
    return ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2).astype(np.uint8)


def centroid(mask):
    """Mean place (y, x) of the pixels of a mask."""
    return np.argwhere(mask).mean(axis=0)


def noise_pair(shape, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return pixels, (pixels > 100).astype(np.uint8)


def measure_movement(seed, amplitudes, side=201):
    """Scale, angle (degrees), shift of the centre (x, y) and mirroring, seen on three discs."""
    middle, arm = (side - 1) / 2, 40
    places = [(middle, middle), (middle, middle + arm), (middle + arm, middle)]
    masks = [disc((side, side), place, 6) for place in places]
    origin, right, down = (
        centroid(augment_pair(mask * np.uint8(255), mask, seed, amplitudes)[1])[::-1]
        for mask in masks
    )
    to_right, to_down = right - origin, down - origin
    mirrored = np.linalg.det([to_right, to_down]) < 0
    if mirrored:
        to_right = -to_right
    angle = np.degrees(np.arctan2(to_right[1], to_right[0]))
    return np.linalg.norm(to_right) / arm, angle, origin - middle, mirrored


@given(
    SEEDS,
    AMPLITUDES,
    st.integers(10, 18),
    st.tuples(st.integers(-14, 14), st.integers(-14, 14)),
)
@settings(deadline=None, max_examples=150)
def test_a_disc_in_the_radiograph_stays_under_its_mask(seed, amplitudes, radius, offset):
    mask = disc((160, 160), np.add(offset, 80), radius)
    moved, moved_mask = augment_pair(mask * np.uint8(255), mask, seed, amplitudes)
    half_grey = np.full((1, 1), 128, np.uint8)
    threshold, _ = augment_pair(half_grey, half_grey, seed, replace(STILL, gamma=amplitudes.gamma))
    bright = moved >= threshold
    both, either = (bright & (moved_mask == 1)).sum(), (bright | (moved_mask == 1)).sum()
    assert centroid(bright) == pytest.approx(centroid(moved_mask), abs=1)
    assert both / either >= 0.9


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=50)
def test_without_amplitude_and_flip_nothing_changes(seed, shape):
    pixels, mask = noise_pair(shape)
    np.testing.assert_array_equal(augment_pair(pixels, mask, seed, STILL), (pixels, mask))


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=100)
def test_a_flip_mirrors_both_left_to_right_or_neither(seed, shape):
    pixels, mask = noise_pair(shape)
    moved = np.array(augment_pair(pixels, mask, seed, replace(STILL, flip=True)))
    still, mirrored = np.array([pixels, mask]), np.array([pixels[:, ::-1], mask[:, ::-1]])
    assert (moved == still).all() or (moved == mirrored).all()


def test_half_of_the_pairs_are_flipped():
    pixels, mask = noise_pair((5, 5))
    flipping = replace(STILL, flip=True)
    flipped = [
        (augment_pair(pixels, mask, seed, flipping)[0] != pixels).any() for seed in range(400)
    ]
    # Four standard errors of a fair coin tossed 400 times are 0.1.
    assert np.mean(flipped) == pytest.approx(0.5, abs=0.1)


def test_every_movement_stays_within_its_amplitude_and_uses_all_of_it():
    amplitudes = PairAugmentation(rotation=20, zoom=0.2, shift=0.1, gamma=0, flip=True)
    drawn = [measure_movement(seed, amplitudes) for seed in range(60)]
    scales, angles, shifts, mirrored = (np.array(part) for part in zip(*drawn, strict=True))
    # Centroids of small discs are known to a fraction of a pixel.
    for values, most, tolerance in (
        (scales - 1, 0.2, 0.01),
        (angles, 20, 0.6),
        (shifts[:, 0], 20.1, 0.4),
        (shifts[:, 1], 20.1, 0.4),
    ):
        assert np.abs(values).max() <= most + tolerance
        assert values.min() < -0.8 * most
        assert values.max() > 0.8 * most
    assert set(mirrored) == {True, False}


@pytest.mark.parametrize("shape", [(61, 61), (60, 60), (41, 70)])
def test_without_a_shift_the_centre_stays_where_it_is(shape):
    centre = np.subtract(shape, 1) / 2
    mask = disc(shape, centre, 12)
    for seed in range(20):
        turning = replace(STILL, rotation=180, zoom=0.3, flip=True)
        moved = augment_pair(mask * np.uint8(255), mask, seed, turning)
        assert centroid(moved[0] >= 128) == pytest.approx(centre, abs=0.1)
        assert centroid(moved[1]) == pytest.approx(centre, abs=0.1)


def test_a_shift_is_a_share_of_its_own_side():
    tall = (200, 50)
    pixels = disc(tall, (100, 25), 8)
    amplitudes = replace(STILL, shift=0.2)
    moved = [centroid(augment_pair(pixels, pixels, seed, amplitudes)[1]) for seed in range(80)]
    assert np.abs(np.subtract(moved, (100, 25))).max(axis=0) == pytest.approx((40, 10), rel=0.1)


def test_what_comes_in_from_outside_is_black_and_no_lung():
    pixels, mask = np.full((40, 40), 200, np.uint8), np.ones((40, 40), np.uint8)
    turning = replace(STILL, rotation=90)
    moved, moved_mask = augment_pair(pixels, mask, 3, turning)
    # A square turned by this much leaves its corners bare.
    assert 15 < abs(measure_movement(3, turning)[1]) < 75
    assert moved[0, 0] == moved_mask[0, 0] == 0
    assert moved[20, 20] == 200
    assert moved_mask[20, 20] == 1


@given(SEEDS, st.floats(0, 4))
@settings(deadline=None, max_examples=60)
def test_gamma_is_one_exponent_between_its_bounds_and_leaves_the_mask(seed, gamma):
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    mask = pixels % 2
    moved, moved_mask = augment_pair(pixels, mask, seed, replace(STILL, gamma=gamma))
    np.testing.assert_array_equal(moved_mask, mask)
    levels = moved.ravel()
    assert (levels[0], levels[255]) == (0, 255)
    for bound, brighter in ((1 / (1 + gamma), True), (1 + gamma, False)):
        limit = 255 * (np.arange(256) / 255) ** bound
        assert (levels <= limit + 0.5).all() if brighter else (levels >= limit - 0.5).all()
    exponent = np.log(levels[128] / 255) / np.log(128 / 255)
    # Level 128 is rounded, so the exponent is known roughly; the other levels follow it.
    assert levels == pytest.approx(255 * (np.arange(256) / 255) ** exponent, abs=4)


def test_gamma_brightens_as_often_as_it_darkens():
    grey = np.full((2, 2), 128, np.uint8)
    amplitudes = replace(STILL, gamma=1)
    levels = [augment_pair(grey, grey // 128, seed, amplitudes)[0][0, 0] for seed in range(400)]
    exponents = np.log(np.array(levels) / 255) / np.log(128 / 255)
    assert np.log2(exponents).mean() == pytest.approx(0, abs=0.12)
    # Log-uniform on [1/2, 2]: a quarter of the exponents lies below 1 / sqrt(2).
    assert (exponents < 2**-0.5).mean() == pytest.approx(0.25, abs=0.09)


@given(SEEDS, AMPLITUDES, SHAPES)
@settings(deadline=None, max_examples=60)
def test_the_same_seed_gives_the_same_bytes_and_the_mask_stays_a_mask(seed, amplitudes, shape):
    pixels, mask = noise_pair(shape)
    originals = [pixels.copy(), mask.copy()]
    first, second = (augment_pair(pixels, mask, seed, amplitudes) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.tobytes() == other.tobytes()
        assert one.dtype == np.uint8
        assert one.shape == shape
    assert set(np.unique(first[1])) <= {0, 1}
    np.testing.assert_array_equal((pixels, mask), originals)


def test_different_seeds_give_different_pairs():
    pixels, mask = noise_pair((30, 30))
    seeds = [0, 1, 2, (0, 1), (1, 1), (2, 1), (1, 2), (0, 1, 2)]
    results = {augment_pair(pixels, mask, seed, USUAL)[0].tobytes() for seed in seeds}
    assert len(results) == len(seeds)


def test_one_amplitude_does_not_change_what_the_others_draw():
    pixels = mask = disc((80, 80), (30, 45), 12)
    _, with_gamma = augment_pair(pixels, mask, 5, USUAL)
    _, without = augment_pair(pixels, mask, 5, replace(USUAL, gamma=0))
    np.testing.assert_array_equal(with_gamma, without)
    turned = measure_movement(7, replace(USUAL, flip=False))
    flipped_too = measure_movement(7, USUAL)
    assert turned[:2] == pytest.approx(flipped_too[:2], abs=0.5)


def test_a_mask_of_another_shape_is_refused():
    pixels, mask = noise_pair((8, 8))[0], noise_pair((8, 6))[1]
    with pytest.raises(ValueError, match=r"\(8, 8\).*\(8, 6\)"):
        augment_pair(pixels, mask, 0, USUAL)


@pytest.mark.parametrize(
    "wrong",
    [{"rotation": -1}, {"zoom": 1}, {"zoom": -0.1}, {"shift": -0.1}, {"gamma": float("nan")}],
)
def test_an_amplitude_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="amplitudes"):
        replace(USUAL, **wrong)
