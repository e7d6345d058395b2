import numpy as np
import pytest

from covid_xray.evaluation.intervals import (
    Intervals,
    mean_interval,
    percentile_interval,
    resample_confusion,
)


def intervals_of(n_resamples=1000, confidence=0.95, seed=0):
    return Intervals(n_resamples=n_resamples, confidence=confidence, seed=seed)


@pytest.mark.parametrize("wrong", [{"n_resamples": 99}, {"confidence": 1}, {"seed": -1}])
def test_wrong_intervals_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        intervals_of(**wrong)


def test_resampling_keeps_every_class_at_its_size_and_its_mean():
    confusion = np.array([[30, 10], [0, 7]])
    resampled = resample_confusion(confusion, intervals_of(4000, seed=3))
    assert resampled.shape == (4000, 2, 2)
    assert (resampled.sum(axis=2) == [40, 7]).all()
    assert resampled.mean(axis=0) == pytest.approx(confusion, abs=0.3)


def test_resampling_equals_drawing_images_with_replacement():
    # The slow way: draw 40 images of a class, 30 of them right, again and again.
    rng = np.random.default_rng(0)
    drawn = rng.choice([1] * 30 + [0] * 10, size=(4000, 40)).mean(axis=1)
    recall = (
        resample_confusion(np.array([[30, 10], [0, 5]]), intervals_of(4000, seed=1))[:, 0, 0] / 40
    )
    assert np.quantile(recall, [0.025, 0.5, 0.975]) == pytest.approx(
        np.quantile(drawn, [0.025, 0.5, 0.975]), abs=0.026
    )


def test_interval_of_a_known_distribution():
    assert percentile_interval(np.linspace(0, 1, 1001), intervals_of()) == pytest.approx(
        (0.025, 0.975)
    )


def test_one_seed_one_interval_and_an_empty_class_stays_empty():
    confusion = np.array([[3, 1], [0, 0]])
    first, second = (resample_confusion(confusion, intervals_of(seed=9)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first[:, 1] == 0).all()


# --- The mean of a score per radiograph -----------------------------------------------------------


def interval(values, **options):
    return mean_interval(np.asarray(values), intervals_of(**options))


@pytest.mark.parametrize("values", [[0.25] * 7, [3.5]])
def test_scores_that_are_all_equal_leave_no_doubt(values):
    assert interval(values) == (values[0], values[0])


def test_the_interval_of_two_scores_is_that_of_two_coins():
    # Means of two draws from 0 and 1: 0, 1/2 and 1, at 1/4, 1/2 and 1/4.
    assert interval([0, 1], confidence=0.4) == (0.5, 0.5)
    assert interval([0, 1], confidence=0.6) == (0, 1)


def test_a_large_sample_has_the_normal_interval():
    values = np.random.default_rng(4).exponential(2, 2000)
    low, high = interval(values, n_resamples=3000)
    error = values.std() / np.sqrt(2000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_a_higher_confidence_gives_a_wider_interval():
    values = np.random.default_rng(5).random(60)
    intervals = [interval(values, confidence=confidence) for confidence in (0.5, 0.9, 0.99)]
    lows, highs = np.transpose(intervals)
    assert (np.diff(lows) < 0).all()
    assert (np.diff(highs) > 0).all()
    assert lows[0] < values.mean() < highs[0]


def test_the_seed_decides_the_interval_of_a_mean():
    values = np.random.default_rng(6).random(60)
    assert interval(values) == interval(values)
    assert interval(values) != interval(values, seed=1)
