"""Codes: every radiograph's in its row, and nothing fitted on a radiograph held out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from covid_xray.reduction.codes import (
    encode_radiographs,
    fit_code_scaling,
    project_codes,
    scale_codes,
)

SEEDS = st.integers(0, 2**32 - 1)


def corners(pixels):
    """A code that anyone can check: three pixels."""
    return pixels[:, [0, 0, -1], [0, -1, -1]].astype(np.float32)


@given(st.integers(0, 25), st.integers(1, 30))
@settings(deadline=None, max_examples=40)
def test_every_radiograph_has_its_code_in_its_row_whatever_the_batches(n, batch_size):
    images = np.random.default_rng(n).integers(0, 256, (n, 6, 6), dtype=np.uint8)
    stream = encode_radiographs(images, corners, code_length=3, side=6, batch_size=batch_size)
    assert stream.shape == (n, 3)
    codes = stream.collect()
    assert codes.dtype == np.float32
    expected = [[image[0, 0], image[0, 5], image[5, 5]] for image in images]
    np.testing.assert_array_equal(codes, np.reshape(expected, (n, 3)))


def test_radiographs_are_encoded_at_the_side_asked_for():
    small = np.random.default_rng(1).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    large = np.kron(small, np.ones((4, 4), np.uint8))
    stream = encode_radiographs(large, corners, code_length=3, side=4, batch_size=2)
    np.testing.assert_array_equal(stream.collect(), corners(small))


def codes_of(seed, n, dimensions):
    """Codes as autoencoders make them: of arbitrary place and scale, and correlated."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(n, dimensions)) @ rng.normal(size=(dimensions, dimensions))
    scales = 10 ** rng.uniform(-2, 2, dimensions)
    return (mixed * scales + rng.uniform(-5, 5, dimensions) * scales).astype(np.float32)


@given(SEEDS, st.integers(2, 40), st.integers(1, 6), st.integers(1, 50))
@settings(deadline=None, max_examples=40)
def test_scaling_is_the_mean_and_the_standard_deviation_of_the_rows_alone(
    seed, n, dimensions, batch_size
):
    codes = codes_of(seed, n + 7, dimensions)
    rows = np.random.default_rng(seed).permutation(n + 7)[:n]
    scaling = fit_code_scaling(codes, rows, batch_size)
    assert scaling.columns.tolist() == ["dimension", "mean", "scale"]
    assert scaling["dimension"].tolist() == list(range(dimensions))
    chosen = codes[rows].astype(np.float64)
    np.testing.assert_allclose(scaling["mean"], chosen.mean(axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scaling["scale"], chosen.std(axis=0), rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
@pytest.mark.parametrize("value", [0.0, 0.1, -3e5])
def test_a_dimension_that_never_changes_in_training_has_a_scale_of_one(value, batch_size):
    codes = codes_of(2, 30, 3)
    codes[:20, 1] = value
    scaling = fit_code_scaling(codes, np.arange(20), batch_size)
    assert scaling["scale"][1] == 1
    assert scaling["mean"][1] == pytest.approx(np.float32(value))
    np.testing.assert_allclose(scale_codes(codes, scaling)[:20, 1], 0, atol=0.05)


def test_scaled_training_codes_have_mean_0_and_deviation_1_and_others_the_same_scale():
    codes = codes_of(3, 60, 4)
    rows = np.arange(0, 60, 2)
    scaling = fit_code_scaling(codes, rows, 8)
    scaled = scale_codes(codes, scaling)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[rows].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[rows].std(axis=0), 1, atol=1e-5)
    training = codes[rows].astype(np.float64)
    expected = (codes - training.mean(axis=0)) / training.std(axis=0)
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


def test_an_outlier_that_is_held_out_changes_no_scale():
    codes = codes_of(4, 30, 3)
    rows = np.arange(25)
    before = fit_code_scaling(codes, rows, 8)
    codes[25:] = 1e6
    assert fit_code_scaling(codes, rows, 8).equals(before)


def projected(codes, rows, n_components, batch_size):
    scaling = fit_code_scaling(codes, rows, batch_size)
    return project_codes(codes, scaling, rows, n_components=n_components, batch_size=batch_size)


def whole_projection(codes, rows, n_components):
    """The slow way: all training codes at once, in double precision."""
    training = codes[rows].astype(np.float64)
    scaled = (codes - training.mean(axis=0)) / training.std(axis=0)
    return PCA(n_components, svd_solver="full").fit(scaled[rows]).transform(scaled)


def same_up_to_sign(ours, expected):
    signs = np.sign((ours * expected).sum(axis=0))
    np.testing.assert_allclose(ours * signs, expected, atol=1e-3)


@pytest.mark.parametrize("rows", [np.arange(50), np.arange(70)[::-2]])
def test_one_batch_is_projected_as_the_whole_pca_of_training_codes_does(rows):
    codes = codes_of(5, 70, 6)
    ours = projected(codes, rows, 3, 1000)
    assert (ours.shape, ours.dtype) == ((70, 3), np.float32)
    same_up_to_sign(ours, whole_projection(codes, rows, 3))


@pytest.mark.parametrize("batch_size", [1, 7, 20])
def test_with_as_many_components_as_dimensions_batches_change_nothing(batch_size):
    codes, rows = codes_of(6, 70, 4), np.arange(50)
    same_up_to_sign(projected(codes, rows, 4, batch_size), whole_projection(codes, rows, 4))


def test_codes_held_out_move_no_training_radiograph():
    codes, rows = codes_of(7, 40, 5), np.arange(30)
    before = projected(codes, rows, 3, 16)
    codes[30:] *= -100
    after = projected(codes, rows, 3, 16)
    np.testing.assert_array_equal(after[:30], before[:30])
    assert not np.array_equal(after[30:], before[30:])


@pytest.mark.parametrize(
    ("n_rows", "dimensions", "expected"), [(40, 3, 3), (4, 9, 4), (40, 20, 10), (1, 5, 1)]
)
def test_there_are_no_more_components_than_rows_or_dimensions(n_rows, dimensions, expected):
    codes = codes_of(8, 45, dimensions)
    ours = projected(codes, np.arange(n_rows), 10, 2)
    assert ours.shape == (45, expected)
    assert np.isfinite(ours).all()
