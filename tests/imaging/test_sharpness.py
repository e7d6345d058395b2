"""Sharpness: the Laplacian's variance against a convolution, and the shares a threshold keeps."""

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from covid_xray.imaging.sharpness import kept_share_by_threshold, laplacian_variance

KERNEL = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
SEEDS = st.integers(0, 2**32 - 1)


def noise(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@given(SEEDS, st.integers(3, 50), st.integers(3, 50))
@settings(deadline=None, max_examples=50)
def test_it_is_the_variance_of_the_picture_convolved_with_the_laplacian(seed, height, width):
    pixels = noise(seed, (height, width))
    laplacian = ndimage.convolve(pixels.astype(float), KERNEL, mode="mirror")
    assert laplacian_variance(pixels) == pytest.approx(laplacian.var(), rel=1e-9)


def test_one_bright_pixel_gives_the_variance_worked_out_by_hand():
    pixels = np.zeros((9, 9), np.uint8)
    pixels[4, 4] = 10
    # One pixel of -40, four of 10: the mean is 0 and the squares add up to 2000.
    assert laplacian_variance(pixels) == pytest.approx(2000 / 81)


@given(SEEDS, st.floats(0.6, 4))
@settings(deadline=None, max_examples=30)
def test_blur_lowers_it(seed, spread):
    pixels = noise(seed, (48, 48))
    assert laplacian_variance(cv2.GaussianBlur(pixels, (0, 0), spread)) < laplacian_variance(pixels)


def test_a_small_table_counts_radiographs_at_or_above_each_threshold():
    variances = pd.Series([5.0, 30.0, 29.999, 100.0, 30.0])
    labels = pd.Series(["COVID", "COVID", "Normal", "Normal", "Normal"])
    table = kept_share_by_threshold(variances, labels, [30, 101])
    expected = pd.DataFrame(
        [
            (30, "COVID", 2, 1, 1 / 2),
            (30, "Normal", 3, 2, 2 / 3),
            (30, "all", 5, 3, 3 / 5),
            (101, "COVID", 2, 0, 0.0),
            (101, "Normal", 3, 0, 0.0),
            (101, "all", 5, 0, 0.0),
        ],
        columns=["threshold", "label", "n_images", "n_kept", "kept_share"],
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.floats(0, 200)), min_size=1, max_size=40),
    st.lists(st.floats(0, 200), min_size=1, max_size=6, unique=True).map(sorted),
)
@settings(deadline=None, max_examples=40)
def test_shares_match_a_count_by_hand_and_never_rise_with_the_threshold(rows, thresholds):
    labels, variances = (pd.Series(column) for column in zip(*rows, strict=True))
    table = kept_share_by_threshold(variances, labels, thresholds)
    for row in table.itertuples():
        of_class = [value for label, value in rows if row.label in (label, "all")]
        assert row.n_images == len(of_class)
        assert row.n_kept == sum(value >= row.threshold for value in of_class)
        assert row.kept_share == pytest.approx(row.n_kept / row.n_images)
    assert set(table["label"]) == {*labels, "all"}
    for _, shares in table.groupby("label"):
        assert shares["kept_share"].is_monotonic_decreasing
