"""Montages: exactly the pixels given, each under its own name."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from covid_xray.figures import theme
from covid_xray.figures.montages import (
    draw_augmentations,
    draw_duplicates,
    draw_lung_masks,
    overlay_mask,
)


def shown(axes):
    (image,) = axes.images
    return np.asarray(image.get_array())


def disc(side=40, radius=12):
    y, x = np.mgrid[:side, :side]
    return ((y - side // 2) ** 2 + (x - side // 2) ** 2 < radius**2).astype(np.uint8)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 255]))
@settings(deadline=None, max_examples=30)
def test_an_overlay_tints_the_lungs_and_nothing_else(seed, one):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    mask = rng.integers(0, 2, (20, 30), dtype=np.uint8) * np.uint8(one)
    overlay = overlay_mask(pixels, mask)
    assert overlay.dtype == np.uint8
    outside = mask == 0
    for channel in range(3):
        assert np.array_equal(overlay[..., channel][outside], pixels[outside])
    # Tinted pixels are no longer grey.
    assert (np.ptp(overlay[~outside].astype(int), axis=1) > 0).all()


def test_the_overlay_is_see_through_and_outlines_the_mask():
    pixels = np.full((40, 40), 50, np.uint8)
    pixels[20, 20] = 200
    overlay = overlay_mask(pixels, disc())
    colour = np.rint(255 * np.array(to_rgb(theme.MASK))).astype(np.uint8)
    # Row 20 of the disc runs from column 9 to column 31.
    assert np.array_equal(overlay[20, 9], colour)
    assert np.array_equal(overlay[20, 31], colour)
    assert not np.array_equal(overlay[20, 15], colour)
    assert (overlay[20, 20].astype(int) > overlay[20, 15]).all()


def test_an_empty_mask_changes_nothing(pictures):
    pixels = pictures(16, 16)
    assert np.array_equal(overlay_mask(pixels, np.zeros_like(pixels)), np.dstack([pixels] * 3))


@pytest.mark.parametrize("n", [1, 3])
def test_each_row_shows_a_radiograph_its_mask_and_both(n, pictures, words):
    pixels = pictures(n, 40, 40)
    masks = np.stack([np.roll(disc(), k, axis=0) for k in range(n)])
    figure = draw_lung_masks(pixels, masks, [f"row-{k}" for k in range(n)])
    grid = np.array(figure.axes).reshape(n, 3)
    for k in range(n):
        assert np.array_equal(shown(grid[k, 0]), pixels[k])
        assert np.array_equal(shown(grid[k, 1]) > 0, masks[k] == 1)
        assert np.array_equal(shown(grid[k, 2]), overlay_mask(pixels[k], masks[k]))
        assert grid[k, 0].get_ylabel() == f"row-{k}"
    for image in grid[0, 0].images + grid[0, 1].images:
        assert image.get_clim() == (0, 255)


def test_a_study_without_lung_masks_says_so(pictures, words):
    none = pictures(0, 8, 8)
    assert "no lung masks" in words(draw_lung_masks(none, none, []))


def pairs_of(n):
    return pd.DataFrame(
        {
            "image_id_1": [f"COVID-{k}" for k in range(n)],
            "image_id_2": [f"COVID-{100 + k}" for k in range(n)],
            "label_1": "COVID",
            "ssim": [0.9871 - 0.1 * k for k in range(n)],
            "hash_distance": [2 * k + 3 for k in range(n)],
        },
        index=range(50, 50 + n),
    )


@pytest.mark.parametrize("n", [1, 3])
def test_duplicates_have_their_difference_and_measures(n, pictures):
    first, second = pictures(n, 20, 20), pictures(n, 20, 20, seed=1)
    second[0] = first[0]
    figure = draw_duplicates(first, second, pairs_of(n))
    grid = np.array(figure.axes[: 3 * n]).reshape(n, 3)
    for k, row in enumerate(grid):
        difference = np.abs(first[k].astype(int) - second[k].astype(int))
        assert np.array_equal(shown(row[0]), first[k])
        assert np.array_equal(shown(row[1]), second[k])
        assert np.array_equal(shown(row[2]), difference)
        assert row[0].get_title() == f"COVID-{k}"
        assert row[1].get_title() == f"COVID-{100 + k}"
        assert f"SSIM {0.9871 - 0.1 * k:.3f}" in row[0].get_ylabel()
        assert f"hash distance {2 * k + 3}" in row[0].get_ylabel()
        assert row[2].get_title() == (f"differ by up to {difference.max()}" if k else "identical")


def test_no_duplicates_are_said_to_be_none(pictures, words):
    none = pictures(0, 8, 8)
    assert "No duplicate" in words(draw_duplicates(none, none, pairs_of(0)))


@pytest.mark.parametrize("n_rows", [1, 4])
def test_augmented_images_lie_under_their_source(n_rows, pictures):
    original, augmented = pictures(16, 16), pictures(n_rows, 3, 16, 16, seed=1)
    titles = ["zoom", "+ rotation", "+ contrast", "+ brightness"][:n_rows]
    first, *rest = draw_augmentations(original, augmented, titles).axes
    assert np.array_equal(shown(first), original)
    drawn = np.array([shown(axes) for axes in rest]).reshape(augmented.shape)
    assert np.array_equal(drawn, augmented)
    assert first.get_ylabel() == "original"
    assert [axes.get_ylabel() for axes in rest if axes.get_ylabel()] == titles
