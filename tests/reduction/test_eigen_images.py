"""Eigen-images: scikit-learn's PCA of the training radiographs, whatever the batches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from covid_xray.reduction.eigen_images import EigenImages, TooFewRadiographsError, fit_eigen_images


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small matrices are faster so wherever cores are busy, and sums have a single order."""
    with threadpool_limits(1):
        yield


def blocks(seed, n):
    """Radiographs of 16x16 pixels that only 16 components can tell apart: 4x4 blocks of one grey.

    The blocks differ in how much they vary, so that no two components explain the same share.
    """
    rng = np.random.default_rng(seed)
    widths = np.linspace(20, 250, 16)
    grey = rng.uniform(0, 1, (n, 16)) * widths
    return np.kron(grey.reshape(n, 4, 4), np.ones((4, 4))).astype(np.uint8)


def smooth(seed, n, side):
    """Pictures whose amplitude falls with the square of the frequency: smooth as radiographs are,
    and with a little of everything, so that no number of components is enough."""
    rng = np.random.default_rng(seed)
    frequency = np.fft.fftfreq(side) * side
    falloff = 1 / (1 + frequency[:, None] ** 2 + frequency**2)
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(n, side, side))) * falloff).real
    return np.clip(128 + 45 * noise / noise.std(), 0, 255).astype(np.uint8)


def fit(images, rows=None, *, n_components, batch_size=1, side=None):
    rows = np.arange(len(images)) if rows is None else rows
    side = side or images.shape[1]
    return fit_eigen_images(
        images, rows, side=side, n_components=n_components, batch_size=batch_size
    )


def flat(array):
    return array.reshape(len(array), -1)


def whole_pca(images, n_components):
    """The slow way: all radiographs at once, in double precision."""
    return PCA(n_components, svd_solver="full").fit(flat(images) / 255)


def assert_equals_whole_pca(fitted, shares, images, atol):
    n_components = len(shares)
    whole = whole_pca(images, n_components)
    assert fitted.components.shape == (n_components, *images.shape[1:])
    assert fitted.components.dtype == fitted.mean.dtype == np.float32
    np.testing.assert_allclose(fitted.mean.ravel(), whole.mean_, atol=1e-6)
    ours = flat(fitted.components)
    signs = np.sign((ours * whole.components_).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(ours * signs, whole.components_, atol=atol)
    np.testing.assert_allclose(shares, whole.explained_variance_ratio_, rtol=max(atol, 1e-5))


def test_one_batch_is_the_whole_pca_up_to_sign():
    images = smooth(0, 60, 16)
    fitted, shares = fit(images, n_components=6, batch_size=60)
    assert_equals_whole_pca(fitted, shares, images, atol=1e-5)


def test_several_batches_of_radiographs_of_low_rank_are_the_whole_pca_up_to_sign():
    # 105 components are carried, so 330 radiographs are three batches; 16 dimensions vary.
    images = blocks(1, 330)
    fitted, shares = fit(images, n_components=5)
    assert_equals_whole_pca(fitted, shares, images, atol=1e-5)


def test_several_batches_of_smooth_radiographs_are_nearly_the_whole_pca():
    # Three batches of 576 dimensions, of which 110 are carried: components within 1e-3 (they
    # are of length 1), shares within a thousandth of their value.
    images = smooth(2, 330, 24)
    fitted, shares = fit(images, n_components=10)
    assert_equals_whole_pca(fitted, shares, images, atol=1e-3)


@pytest.mark.parametrize("batch_size", [1, 150, 330])
def test_the_batch_size_does_not_matter(batch_size):
    images = blocks(3, 330)
    reference, reference_shares = fit(images, n_components=5, batch_size=10_000)
    fitted, shares = fit(images, n_components=5, batch_size=batch_size)
    np.testing.assert_allclose(fitted.mean, reference.mean, atol=1e-6)
    np.testing.assert_allclose(fitted.components, reference.components, atol=1e-5)
    np.testing.assert_allclose(shares, reference_shares, rtol=1e-5)


def test_shares_fall_and_all_of_them_add_up_to_one():
    _, shares = fit(blocks(4, 240), n_components=16)
    assert (np.diff(shares) < 0).all()
    assert shares.sum() == pytest.approx(1, abs=1e-6)
    _, leading = fit(blocks(4, 240), n_components=3)
    np.testing.assert_allclose(leading, shares[:3], rtol=1e-5)


@pytest.mark.parametrize("n", [30, 240])
def test_components_are_orthonormal(n):
    fitted, _ = fit(smooth(5, n, 16), n_components=12)
    vectors = flat(fitted.components).astype(np.float64)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(12), atol=1e-5)


def test_only_the_training_rows_are_fitted():
    images = smooth(6, 80, 16)
    rows = np.random.default_rng(0).permutation(80)[:50]
    fitted, shares = fit(images, rows, n_components=4)
    held_out = np.setdiff1d(np.arange(80), rows)
    changed = images.copy()
    changed[held_out] = 255 - changed[held_out][:, ::-1]
    again, again_shares = fit(changed, rows, n_components=4)
    np.testing.assert_array_equal(again.mean, fitted.mean)
    np.testing.assert_array_equal(again.components, fitted.components)
    np.testing.assert_array_equal(again_shares, shares)
    assert_equals_whole_pca(fitted, shares, images[rows], atol=1e-5)


def test_radiographs_are_fitted_at_the_side_asked_for():
    images = smooth(7, 40, 16)
    # Pixels that were repeated are averaged back to themselves.
    large = np.kron(images, np.ones((3, 3), np.uint8))
    expected, expected_shares = fit(images, n_components=4)
    fitted, shares = fit(large, n_components=4, side=16)
    assert fitted.side == 16
    np.testing.assert_array_equal(fitted.mean, expected.mean)
    np.testing.assert_array_equal(fitted.components, expected.components)
    np.testing.assert_array_equal(shares, expected_shares)


def test_too_few_training_radiographs_are_refused_with_the_parameters_name():
    images, rows = smooth(8, 40, 16), np.arange(7)
    with pytest.raises(
        TooFewRadiographsError, match=r"^8 components.*are 7.*exploration\.eigen_images\.n_compon"
    ):
        fit(images, rows, n_components=8)
    fitted, _ = fit(images, rows, n_components=7)
    assert len(fitted.components) == 7


# --- Codes and reconstructions -------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 6), st.integers(2, 9))
@settings(deadline=None, max_examples=30)
def test_codes_and_reconstructions_are_those_of_the_formulae(seed, n, k, side):
    rng = np.random.default_rng(seed)
    components = np.linalg.qr(rng.normal(size=(side**2, min(k, side**2))))[0].T
    mean = rng.uniform(0, 1, (side, side))
    fitted = EigenImages(
        mean.astype(np.float32), components.reshape(-1, side, side).astype(np.float32)
    )
    pixels = rng.integers(0, 256, (n, side, side), dtype=np.uint8)
    codes = np.einsum("nij,kij->nk", pixels / 255 - mean, components.reshape(-1, side, side))
    decoded = np.einsum("nk,kij->nij", codes, components.reshape(-1, side, side)) + mean
    ours = fitted.encode(pixels)
    assert (ours.shape, ours.dtype) == (codes.shape, np.float32)
    np.testing.assert_allclose(ours, codes, atol=1e-4)
    remembered = fitted.reconstruct(pixels)
    assert (remembered.shape, remembered.dtype) == (pixels.shape, np.uint8)
    assert np.abs(remembered - np.clip(decoded * 255, 0, 255)).max() <= 0.5 + 0.01


def test_a_reconstruction_beyond_black_or_white_is_clipped():
    # One component, that lightens the first pixel and darkens the second: 1.4 and 0.4 are asked
    # for in the first radiograph, -0.4 and 0.6 in the second.
    component = np.array([[[1, -1]]], np.float32) / np.sqrt(np.float32(2))
    light = EigenImages(np.array([[0.9, 0.9]], np.float32), component)
    assert light.reconstruct(np.array([[[255, 0]]], np.uint8)).tolist() == [[[255, 102]]]
    dark = EigenImages(np.array([[0.1, 0.1]], np.float32), component)
    assert dark.reconstruct(np.array([[[0, 255]]], np.uint8)).tolist() == [[[0, 153]]]


def test_a_reconstruction_is_rounded_and_not_cut_off():
    # Without what the component sees, the mean is what is left: 0.7 of a grey level rounds to 1.
    fitted = EigenImages(
        np.array([[0, 0.7 / 255]], np.float32), np.array([[[1, 0]]], dtype=np.float32)
    )
    assert fitted.reconstruct(np.array([[[33, 200]]], np.uint8)).tolist() == [[[33, 1]]]


def test_a_radiograph_in_the_span_comes_back_within_rounding_and_another_does_not():
    fitted, _ = fit(blocks(9, 240), n_components=16)
    unseen = blocks(10, 20)
    difference = fitted.reconstruct(unseen).astype(int) - unseen
    assert np.abs(difference).max() <= 1
    stripes = unseen.copy()
    stripes[:, ::2] = 0
    assert np.abs(fitted.reconstruct(stripes).astype(int) - stripes).max() > 50


def test_with_as_many_components_as_radiographs_all_come_back_within_rounding():
    images = smooth(11, 25, 16)
    fitted, shares = fit(images, n_components=25)
    assert np.abs(fitted.reconstruct(images).astype(int) - images).max() <= 1
    assert shares.sum() == pytest.approx(1, abs=1e-5)


def test_each_radiograph_is_encoded_by_itself():
    images = smooth(12, 30, 16)
    fitted, _ = fit(images, n_components=5)
    alone = np.concatenate([fitted.encode(images[row : row + 1]) for row in range(30)])
    np.testing.assert_allclose(alone, fitted.encode(images), atol=1e-5)
