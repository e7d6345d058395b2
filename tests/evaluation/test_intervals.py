import numpy as np
import pytest

from covid_xray.evaluation.intervals import percentile_interval, resample_confusion


def test_resampling_keeps_every_class_at_its_size_and_its_mean():
    confusion = np.array([[30, 10], [0, 7]])
    resampled = resample_confusion(confusion, 4000, seed=3)
    assert resampled.shape == (4000, 2, 2)
    assert (resampled.sum(axis=2) == [40, 7]).all()
    assert resampled.mean(axis=0) == pytest.approx(confusion, abs=0.3)


def test_resampling_equals_drawing_images_with_replacement():
    # The slow way: draw 40 images of a class, 30 of them right, again and again.
    rng = np.random.default_rng(0)
    drawn = rng.choice([1] * 30 + [0] * 10, size=(4000, 40)).mean(axis=1)
    recall = resample_confusion(np.array([[30, 10], [0, 5]]), 4000, seed=1)[:, 0, 0] / 40
    assert np.quantile(recall, [0.025, 0.5, 0.975]) == pytest.approx(
        np.quantile(drawn, [0.025, 0.5, 0.975]), abs=0.026
    )


def test_interval_of_a_known_distribution():
    assert percentile_interval(np.linspace(0, 1, 1001), 0.95) == pytest.approx((0.025, 0.975))


def test_same_seed_same_interval_and_a_class_without_images_stays_empty():
    confusion = np.array([[3, 1], [0, 0]])
    first, second = (resample_confusion(confusion, 50, seed=9) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first[:, 1] == 0).all()
