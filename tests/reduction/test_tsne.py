"""t-SNE: groups stay groups, seeds decide, and few radiographs are no failure."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from covid_xray.reduction.tsne import project_tsne

CENTRES = np.repeat(np.eye(3, 8) * 100, 20, axis=0)
BLOBS = (CENTRES + np.random.default_rng(0).normal(size=CENTRES.shape)).astype(np.float32)
BLOB = np.repeat([0, 1, 2], 20)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small matrices are faster so wherever cores are busy, and sums have a single order."""
    with threadpool_limits(1):
        yield


def few(n, dimensions=5, seed=1):
    return np.random.default_rng(seed).normal(size=(n, dimensions)).astype(np.float32)


def test_three_blobs_far_apart_stay_apart():
    plane = project_tsne(BLOBS, perplexity=10, seed=0)
    assert (plane.shape, plane.dtype) == ((60, 2), np.float32)
    distances = np.linalg.norm(plane[:, None] - plane, axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argsort(axis=1)[:, :5]
    assert (BLOB[nearest] == BLOB[:, None]).all()


def test_the_seed_decides_the_plane_to_the_last_bit():
    # So many codes of so many dimensions that scikit-learn starts from a randomised PCA.
    codes = few(520, dimensions=60)
    first, again, other = (project_tsne(codes, perplexity=5, seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("n", "perplexity", "used"), [(10, 30, 3), (40, 30, 13), (40, 12, 12)])
def test_perplexity_is_lowered_to_a_third_of_the_codes_and_no_further(n, perplexity, used):
    codes = few(n)
    expected = TSNE(perplexity=used, random_state=0).fit_transform(codes)
    np.testing.assert_array_equal(project_tsne(codes, perplexity=perplexity, seed=0), expected)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_a_handful_of_radiographs_has_a_plane(n):
    plane = project_tsne(few(n), perplexity=30, seed=0)
    assert plane.shape == (n, 2)
    assert np.isfinite(plane).all()
    assert len(np.unique(plane, axis=0)) == n


def test_codes_of_a_single_number_have_a_plane():
    # `exploration.autoencoders.dense.code` may be 1.
    plane = project_tsne(few(12, dimensions=1), perplexity=3, seed=0)
    assert plane.shape == (12, 2)
    assert np.isfinite(plane).all()


@pytest.mark.slow
def test_equal_codes_do_not_crash_the_process():
    # As of an autoencoder whose units have all died. An error would do, a dead process would not.
    script = (
        "import numpy as np; from covid_xray.reduction.tsne import project_tsne;"
        "project_tsne(np.zeros((30, 4), np.float32), perplexity=5, seed=0)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert ended.returncode >= 0, f"ended by signal {-ended.returncode}"
