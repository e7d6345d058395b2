"""Dimension reduction: components as given, centred on zero; reconstructions with their SSIM."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.figures.reduction import (
    draw_eigen_images,
    draw_explained_variance,
    draw_reconstructions,
)


def explained_by(shares):
    return pd.DataFrame(
        {
            "component": np.arange(1, len(shares) + 1),
            "explained_share": shares,
            "cumulative_share": np.cumsum(shares),
        }
    )


@pytest.mark.parametrize(("k", "n_shown"), [(0, 0), (1, 1), (3, 3), (15, 15), (40, 15)])
def test_eigen_images_are_centred_on_zero_with_their_share(k, n_shown):
    rng = np.random.default_rng(0)
    mean, components = rng.uniform(0, 255, (8, 8)), rng.normal(0.2, 1, (k, 8, 8))
    shares = np.linspace(0.3, 0.01, k)
    figure = draw_eigen_images(mean, components, shares)
    first, *rest = [axes for axes in figure.axes if axes.images]
    assert np.array_equal(first.images[0].get_array(), mean)
    assert len(rest) == n_shown
    for place, axes in enumerate(rest):
        (image,) = axes.images
        assert np.array_equal(image.get_array(), components[place])
        low, high = image.get_clim()
        assert low == -high == -np.abs(components[place]).max()
        assert axes.get_title() == f"{place + 1}: {shares[place]:.1%}"


def test_the_curve_is_the_share_and_report_a_has_its_point(words):
    table = explained_by(np.full(80, 0.012))
    figure = draw_explained_variance(table)
    curve, own, published = figure.axes[0].lines
    np.testing.assert_allclose(curve.get_xdata(), table["component"])
    np.testing.assert_allclose(curve.get_ydata(), table["cumulative_share"])
    assert (list(own.get_xdata()), list(own.get_ydata())) == ([50], pytest.approx([0.6]))
    assert (list(published.get_xdata()), list(published.get_ydata())) == ([50], [0.89])
    assert "60.0% with 50" in words(figure)
    assert "89% with 50" in words(figure)


def test_fewer_components_than_report_a_are_drawn(words):
    figure = draw_explained_variance(explained_by(np.full(7, 0.1)))
    assert "70.0% with 7" in words(figure)
    assert "No principal component" in words(draw_explained_variance(explained_by([])))


@pytest.mark.parametrize("n", [1, 4])
def test_each_method_has_a_row_under_the_originals(n, pictures):
    originals = pictures(n, 16, 16)
    made = {"PCA": pictures(n, 16, 16, seed=1), "autoencoder": pictures(n, 16, 16, seed=2)}
    ssim = {"PCA": np.linspace(0.2, 0.6, n), "autoencoder": np.linspace(0.7, 0.9, n)}
    titles = [f"class {k}" for k in range(n)]
    figure = draw_reconstructions(originals, made, titles, ssim)
    grid = np.array(figure.axes).reshape(3, n)
    for row, expected in zip(grid, [originals, *made.values()], strict=True):
        for axes, picture in zip(row, expected, strict=True):
            assert np.array_equal(axes.images[0].get_array(), picture)
            assert axes.images[0].get_clim() == (0, 255)
    assert [axes.get_title() for axes in grid[0]] == titles
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["Original", *made]
    for row, method in zip(grid[1:], made, strict=True):
        assert [axes.get_xlabel() for axes in row] == [
            f"SSIM {value:.2f}" for value in ssim[method]
        ]


def test_nothing_reconstructed_is_said_in_words(pictures, words):
    assert "No radiographs" in words(draw_reconstructions(pictures(0, 8, 8), {}, [], {}))
