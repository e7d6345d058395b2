"""Features: the same numbers as numpy gives, inside and outside the lungs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covid_xray.imaging.features import (
    EXPLORATORY_FEATURES,
    exploratory_features,
    luminosity,
    lung_features,
    rms_contrast,
)

SEEDS, SIDES = st.integers(0, 2**32 - 1), st.integers(1, 60)


def noise(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@given(SEEDS, SIDES, SIDES)
@settings(deadline=None, max_examples=50)
def test_luminosity_and_contrast_are_the_mean_and_the_standard_deviation(seed, height, width):
    pixels = noise(seed, (height, width))
    assert luminosity(pixels) == pytest.approx(pixels.mean(), abs=1e-9)
    assert rms_contrast(pixels) == pytest.approx(pixels.std(), abs=1e-6)


@given(st.integers(0, 255))
@settings(deadline=None, max_examples=20)
def test_a_constant_picture_has_no_contrast(level):
    pixels = np.full((33, 47), level, np.uint8)
    assert luminosity(pixels) == level
    assert rms_contrast(pixels) == pytest.approx(0, abs=1e-5)


def test_half_black_half_white_has_the_largest_contrast():
    pixels = np.zeros((10, 10), np.uint8)
    pixels[:5] = 255
    assert rms_contrast(pixels) == pytest.approx(127.5)


@given(SEEDS, SIDES, SIDES, st.floats(0.05, 1))
@settings(deadline=None, max_examples=50)
def test_lung_features_are_those_of_the_masked_pixels(seed, height, width, share):
    pixels = noise(seed, (height, width))
    mask = (np.random.default_rng(seed + 1).random((height, width)) < share).astype(np.uint8)
    mask[0, 0] = 1
    features = lung_features(pixels, mask)
    inside = pixels[mask == 1]
    assert features.mask_area == pytest.approx(mask.mean())
    assert features.masked_luminosity == pytest.approx(inside.mean(), abs=1e-9)
    assert features.masked_contrast == pytest.approx(inside.std(), abs=1e-5)


@given(SEEDS, st.integers(2, 12), st.integers(2, 12), st.integers(2, 4))
@settings(deadline=None, max_examples=30)
def test_a_smaller_mask_covers_the_same_part_of_the_picture(seed, height, width, factor):
    pixels = noise(seed, (height * factor, width * factor))
    mask = noise(seed + 1, (height, width)) % 2
    mask[-1, 0] = 1
    features = lung_features(pixels, mask)
    inside = pixels[np.kron(mask, np.ones((factor, factor))) == 1]
    assert features.mask_area == pytest.approx(mask.mean())
    assert features.masked_luminosity == pytest.approx(inside.mean(), abs=1e-9)
    assert features.masked_contrast == pytest.approx(inside.std(), abs=1e-5)


def test_without_a_mask_every_lung_feature_is_missing():
    features = lung_features(noise(1, (20, 20)), None)
    assert np.isnan(
        [features.mask_area, features.masked_luminosity, features.masked_contrast]
    ).all()


def test_an_empty_mask_has_an_area_of_zero_and_no_grey():
    features = lung_features(noise(1, (20, 20)), np.zeros((10, 10), np.uint8))
    assert features.mask_area == 0
    assert np.isnan([features.masked_luminosity, features.masked_contrast]).all()


def test_exploratory_features_are_those_of_each_radiograph_in_the_order_of_the_rows():
    images, masks = noise(5, (6, 20, 20)), noise(6, (6, 20, 20)) % 2
    masks[3] = 0
    rows = np.array([4, 0, 3, 1])
    table = exploratory_features(images, masks, rows)
    assert tuple(table.columns) == EXPLORATORY_FEATURES
    assert table.index.tolist() == [0, 1, 2, 3]
    for (_, measured), row in zip(table.iterrows(), rows, strict=True):
        inside = images[row][masks[row] == 1]
        assert measured["luminosity"] == pytest.approx(images[row].mean())
        assert measured["rms_contrast"] == pytest.approx(images[row].std())
        if row == 3:
            assert measured[["mask_area", "masked_luminosity", "masked_contrast"]].isna().all()
        else:
            assert measured["mask_area"] == pytest.approx(masks[row].mean())
            assert measured["masked_luminosity"] == pytest.approx(inside.mean())
            assert measured["masked_contrast"] == pytest.approx(inside.std())


def test_without_radiographs_the_exploratory_features_keep_their_columns():
    empty = np.empty((0, 8, 8), np.uint8)
    table = exploratory_features(empty, empty, np.empty(0, np.intp))
    assert table.empty
    assert tuple(table.columns) == EXPLORATORY_FEATURES
    assert (table.dtypes == "float64").all()
