"""Equalisation: slow references by the book, and what it promises of the greys of each hospital."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from covid_xray.imaging.equalisation import EqualisationSettings, equalise

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 24)
GLOBAL = EqualisationSettings(method="global")
NONE = EqualisationSettings(method="none")


@st.composite
def radiographs(draw, sides=SIDES):
    """Noise between two greys, from a single grey to all of them, several radiographs at once."""
    shape = draw(st.tuples(st.integers(1, 3), sides, sides))
    low, high = sorted(draw(st.tuples(st.integers(0, 255), st.integers(0, 255))))
    rng = np.random.default_rng(draw(SEEDS))
    return rng.integers(low, high, shape, dtype=np.uint8, endpoint=True)


def one_by_one(function, pixels):
    return np.stack([function(picture) for picture in pixels])


def equalised_by_counting(picture):
    """Each grey goes to the share of the other pixels, without the darkest, that are no brighter.

    OpenCV works in float32, and so halves are rounded where float32 has them.
    """
    darkest = (picture == picture.min()).sum()
    if darkest == picture.size:
        return picture
    scale = np.float32(255) / np.float32(picture.size - darkest)
    mapped = np.empty_like(picture)
    for grey in np.unique(picture):
        no_brighter = np.float32((picture <= grey).sum() - darkest)
        mapped[picture == grey] = np.rint(no_brighter * scale)
    return mapped


def clahe_tile_levels(tile, clip_limit):
    """Where the clipped histogram of one tile takes each grey, as float64 (256,)."""
    limit = max(int(clip_limit * tile.size / 256), 1)
    counts = [int((tile == grey).sum()) for grey in range(256)]
    clipped = sum(max(count - limit, 0) for count in counts)
    counts = [min(count, limit) + clipped // 256 for count in counts]
    left = clipped % 256
    for grey in range(0, 256, max(256 // max(left, 1), 1)):
        if left:
            counts[grey] += 1
            left -= 1
    return np.rint(np.cumsum(counts) * (255 / tile.size))


def equalised_by_tiles(picture, tiles, clip_limit):
    """CLAHE pixel by pixel: the levels of the four tiles around it, weighted by nearness."""
    height, width = (side // tiles for side in picture.shape)
    levels = [
        [
            clahe_tile_levels(
                picture[row * height : (row + 1) * height, column * width : (column + 1) * width],
                clip_limit,
            )
            for column in range(tiles)
        ]
        for row in range(tiles)
    ]
    mapped = np.empty_like(picture)
    for (y, x), grey in np.ndenumerate(picture):
        mixed = 0
        for row, down in beside(y / height - 0.5, tiles):
            for column, across in beside(x / width - 0.5, tiles):
                mixed += down * across * levels[row][column][grey]
        mapped[y, x] = np.rint(mixed)
    return mapped


def beside(place, tiles):
    before = int(np.floor(place))
    share = place - before
    return [(max(before, 0), 1 - share), (min(before + 1, tiles - 1), share)]


def test_four_greys_of_one_pixel_each_are_spread_over_the_whole_range():
    picture = np.array([[[10, 11], [12, 13]]], np.uint8)
    np.testing.assert_array_equal(equalise(picture, GLOBAL), [[[0, 85], [170, 255]]])


def test_halves_go_to_the_even_grey():
    # 51 of 102 pixels above the darkest: 255 / 2 = 127.5, and for 1 of 6: 42.5.
    for counts, middle in (((1, 51, 51), 128), ((1, 1, 5), 42)):
        picture = np.repeat(np.array([3, 7, 9], np.uint8), counts).reshape(1, 1, -1)
        assert np.unique(equalise(picture, GLOBAL)).tolist() == [0, middle, 255]


@given(radiographs())
@settings(deadline=None, max_examples=60)
def test_global_equalisation_is_that_by_counting_each_radiograph_on_its_own(pixels):
    expected = one_by_one(equalised_by_counting, pixels)
    np.testing.assert_array_equal(equalise(pixels, GLOBAL), expected)


@given(SEEDS, st.integers(1, 4), st.integers(0, 60))
@settings(deadline=None, max_examples=30)
def test_brightness_and_contrast_of_the_hospital_vanish(seed, contrast, brightness):
    pixels = np.random.default_rng(seed).integers(0, 49, (2, 12, 9), dtype=np.uint8)
    elsewhere = (pixels * contrast + brightness).astype(np.uint8)
    np.testing.assert_array_equal(equalise(elsewhere, GLOBAL), equalise(pixels, GLOBAL))


@given(radiographs(), st.sampled_from([GLOBAL, EqualisationSettings(method="clahe", tiles=1)]))
@settings(deadline=None, max_examples=40)
def test_one_histogram_never_reverses_two_greys(pixels, how):
    for before, after in zip(pixels, equalise(pixels, how), strict=True):
        levels = [set(after[before == grey]) for grey in np.unique(before)]
        assert all(len(level) == 1 for level in levels)
        assert np.all(np.diff([int(level.pop()) for level in levels]) >= 0)


# Sides are powers of two, where every share is exact in float32 as in float64.
@given(
    radiographs(st.sampled_from([8, 16])),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([0.5, 2.0, 7.3, 1000.0]),
)
@settings(deadline=None, max_examples=25)
def test_clahe_is_that_by_tiles_each_radiograph_on_its_own(pixels, tiles, clip_limit):
    how = EqualisationSettings(method="clahe", clip_limit=clip_limit, tiles=tiles)
    expected = one_by_one(lambda one: equalised_by_tiles(one, tiles, clip_limit), pixels[:2])
    np.testing.assert_array_equal(equalise(pixels[:2], how), expected)


@pytest.mark.parametrize("method", ["global", "clahe", "none"])
def test_the_radiographs_given_stay_as_they_are(method):
    pixels = np.random.default_rng(0).integers(0, 90, (3, 16, 16), dtype=np.uint8)
    kept = pixels.copy()
    equalised = equalise(pixels, EqualisationSettings(method=method))
    assert (equalised.shape, equalised.dtype) == (pixels.shape, np.uint8)
    assert np.array_equal(equalised, pixels) == (method == "none")
    equalised[...] = 0
    np.testing.assert_array_equal(pixels, kept)
    assert equalise(pixels[:0], EqualisationSettings(method=method)).shape == (0, 16, 16)


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.int64])
def test_other_types_are_refused_with_the_remedy(dtype):
    with pytest.raises(
        ValueError, match=rf"are {np.dtype(dtype)}: give grey levels 0-255 as uint8"
    ):
        equalise(np.zeros((1, 8, 8), dtype), GLOBAL)


@pytest.mark.parametrize("shape", [(1, 12, 16), (1, 16, 12)])
def test_sides_without_whole_tiles_are_refused_by_clahe_only(shape):
    pixels = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match=rf"8 tiles.*{shape[1]} x {shape[2]}.*choose a number"):
        equalise(pixels, EqualisationSettings(method="clahe"))
    for how in (GLOBAL, NONE, EqualisationSettings(method="clahe", tiles=4)):
        assert equalise(pixels, how).shape == shape


@pytest.mark.parametrize(
    "wrong", [{"method": "local"}, {"clip_limit": 0}, {"tiles": 0}, {"tile": 8}]
)
def test_settings_that_mean_nothing_are_refused_by_name(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        EqualisationSettings.model_validate({"method": "clahe"} | wrong)
