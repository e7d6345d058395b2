"""Reconstructions: scored beside their own originals, as scikit-image scores them."""

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from covid_xray.evaluation.reconstruction import score_reconstructions

IMAGES = np.random.default_rng(0).integers(30, 200, (12, 24, 24), dtype=np.uint8)
ROWS = np.array([7, 0, 11, 3, 4])


def score(reconstruct, images=IMAGES, rows=ROWS, *, side=24, batch_size=2):
    return score_reconstructions(images, rows, reconstruct, side=side, batch_size=batch_size)


def same(pixels):
    return pixels


def blurred(pixels):
    """Blurs every radiograph by itself, and one more than another."""
    return np.stack([cv2.blur(picture, (3 + 2 * int(picture[0, 0] % 3), 3)) for picture in pixels])


def test_perfect_reconstructions_score_one_and_have_no_error():
    table = score(same)
    assert table.columns.tolist() == ["row", "ssim", "mean_squared_error"]
    assert table["row"].tolist() == ROWS.tolist()
    assert table["ssim"].tolist() == pytest.approx([1] * 5)
    assert (table["mean_squared_error"] == 0).all()


@pytest.mark.parametrize("shift", [-30, 51])
def test_a_constant_shift_has_its_square_as_error(shift):
    # 51 of 255 levels are a fifth; unsigned numbers must not wrap around on either side.
    table = score(lambda pixels: (pixels.astype(int) + shift).astype(np.uint8))
    assert table["mean_squared_error"].tolist() == pytest.approx([(shift / 255) ** 2] * 5)
    assert (table["ssim"] < 1).all()


def test_black_for_white_is_the_largest_error():
    white = np.full((2, 9, 9), 255, np.uint8)
    table = score(np.zeros_like, white, np.arange(2), side=9)
    assert table["mean_squared_error"].tolist() == [1, 1]
    assert (table["ssim"] < 0.01).all()


def test_scores_are_those_of_scikit_image_in_order():
    table = score(blurred)
    copies = blurred(IMAGES)
    expected = [
        (
            structural_similarity(IMAGES[row], copies[row], data_range=255),
            np.mean((IMAGES[row] / 255 - copies[row] / 255) ** 2),
        )
        for row in ROWS
    ]
    assert len(set(expected)) == len(ROWS)
    assert table["row"].tolist() == ROWS.tolist()
    np.testing.assert_allclose(table[["ssim", "mean_squared_error"]], expected, rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 3, 5, 100])
def test_the_batch_size_does_not_matter(batch_size):
    assert score(blurred, batch_size=batch_size).equals(score(blurred, batch_size=2))


def test_radiographs_are_compared_at_the_side_asked_for():
    # Pixels that were repeated are averaged back to themselves.
    large = np.kron(IMAGES, np.ones((2, 2), np.uint8))
    assert score(blurred, large, side=24).equals(score(blurred))
