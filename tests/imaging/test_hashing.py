"""Hashing: imagehash's own text, and the same near pairs as comparing every two hashes."""

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from covid_xray.imaging.hashing import near_hash_pairs, perceptual_hash
from support.project import SHARED

RADIOGRAPHS = sorted((SHARED / "radiographs").glob("*/images/*.png"))


@given(st.integers(0, 2**32 - 1), st.integers(8, 80), st.integers(8, 80) | st.none())
@settings(deadline=None, max_examples=60)
def test_the_number_written_in_hex_is_the_text_of_imagehash(seed, height, width):
    shape = height, width or height
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    value = perceptual_hash(pixels)
    assert f"{value:016x}" == str(imagehash.phash(Image.fromarray(pixels)))


@pytest.mark.parametrize(
    "shape", [(299, 299), (256, 256), (33, 33), (31, 31), (1100, 1100), (40, 90)]
)
@given(seed=st.integers(0, 2**32 - 1), blur=st.sampled_from([0, 1, 8, 40]), top=st.integers(1, 255))
@settings(deadline=None, max_examples=15)
def test_the_hash_is_that_of_imagehash_at_every_size(shape, seed, blur, top):
    noise = np.random.default_rng(seed).random(shape)
    smooth = ndimage.gaussian_filter(noise, blur)
    pixels = (top * (smooth - smooth.min()) / np.ptp(smooth)).round().astype(np.uint8)
    text = str(imagehash.phash(Image.fromarray(pixels)))
    assert f"{perceptual_hash(pixels):016x}" == text


@pytest.mark.parametrize("shape", [(64, 64), (299, 299), (513, 513)])
def test_ties_in_a_symmetric_picture_fall_as_those_of_imagehash(shape):
    stripes = np.zeros(shape, np.uint8)
    stripes[:, shape[1] // 4 : -(shape[1] // 4)] = 200
    for pixels in (stripes, stripes // 2 + stripes[::-1] // 2, np.full(shape, 7, np.uint8)):
        assert f"{perceptual_hash(pixels):016x}" == str(imagehash.phash(Image.fromarray(pixels)))


@pytest.mark.skipif(not RADIOGRAPHS, reason="the real radiographs beside the project are absent")
def test_real_radiographs_have_the_hash_of_imagehash():
    for path in RADIOGRAPHS[::8]:
        pixels = np.asarray(Image.open(path).convert("L"))
        assert f"{perceptual_hash(pixels):016x}" == str(imagehash.phash(Image.fromarray(pixels)))


def hashes_with_near_twins(seed, size):
    """Random hashes; half of them are a copy of another with up to four bits flipped."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, size, dtype=np.uint64)
    for row in rng.permutation(size)[: size // 2]:
        bits = rng.permutation(64)[: rng.integers(0, 5)].astype(np.uint64)
        flips = np.bitwise_xor.reduce(np.uint64(1) << bits, initial=np.uint64(0))
        hashes[row] = hashes[rng.integers(size)] ^ flips
    return hashes


def pairs_by_comparing_every_two(hashes, max_distance):
    values = [int(value) for value in hashes]
    return [
        (first, second, distance)
        for first in range(len(values))
        for second in range(first + 1, len(values))
        if (distance := (values[first] ^ values[second]).bit_count()) <= max_distance
    ]


@given(st.integers(0, 2**32 - 1), st.integers(0, 80), st.sampled_from([0, 1, 2, 4, 10, 30, 64]))
@settings(deadline=None, max_examples=40)
def test_near_pairs_are_those_of_comparing_every_two(seed, size, max_distance):
    hashes = hashes_with_near_twins(seed, size)
    pairs, distances = near_hash_pairs(hashes, max_distance)
    found = [(*pair, distance) for pair, distance in zip(pairs.tolist(), distances, strict=True)]
    assert found == pairs_by_comparing_every_two(hashes, max_distance)


@pytest.mark.parametrize(("size", "max_distance"), [(2047, 0), (2048, 2), (2049, 2), (4200, 1)])
def test_pairs_within_and_across_the_blocks_compared_at_once_are_all_found(size, max_distance):
    hashes = hashes_with_near_twins(size, size)
    # One row against all others: slower than blocks, and there is nothing to get wrong.
    expected = [
        (row, row + 1 + int(later), int(distances[later]))
        for row in range(size)
        for distances in [np.bitwise_count(hashes[row] ^ hashes[row + 1 :])]
        for later in np.flatnonzero(distances <= max_distance)
    ]
    pairs, distances = near_hash_pairs(hashes, max_distance)
    found = [(*pair, distance) for pair, distance in zip(pairs.tolist(), distances, strict=True)]
    assert found == expected
    assert len(found) > size // 20
    if size > 2048:
        assert any(first < 2048 <= second for first, second, _ in found)


def test_no_hash_and_one_hash_give_no_pair():
    for size in (0, 1):
        pairs, distances = near_hash_pairs(np.zeros(size, np.uint64), 64)
        assert pairs.shape == (0, 2)
        assert distances.shape == (0,)


@pytest.mark.parametrize("max_distance", [-1, 65])
def test_an_impossible_distance_is_refused_by_name_and_value(max_distance):
    with pytest.raises(ValueError, match=rf"max_distance is {max_distance}.*0 to 64"):
        near_hash_pairs(np.zeros(3, np.uint64), max_distance)
