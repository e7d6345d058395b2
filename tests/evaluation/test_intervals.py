"""Intervals that have their coverage at the boundary too, by computation and by simulation."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from covid_xray.evaluation.intervals import (
    Intervals,
    count_groups,
    count_kinds,
    interval_of_draws,
    mean_interval,
    proportion_interval,
    resample,
)
from covid_xray.evaluation.metrics import balance_classes, scores_by_class
from covid_xray.evaluation.scoring import score_predictions
from covid_xray.evaluation.screening_scores import score_screening

SIZES, SHARES = (7, 28, 61, 542), (0.5, 0.9, 0.95, 0.99)
LEAST = 0.92


def intervals_of(n_resamples=1000, confidence=0.95, seed=0):
    return Intervals(n_resamples=n_resamples, confidence=confidence, seed=seed)


FEW = intervals_of(400)


@pytest.mark.parametrize("wrong", [{"n_resamples": 99}, {"confidence": 1}, {"seed": -1}])
def test_wrong_intervals_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        intervals_of(**wrong)


# --- Coverage -------------------------------------------------------------------------------------


def binomial_coverage(n, share, interval):
    """Probability that the interval of a share of n radiographs holds the true one, computed."""
    hits = np.arange(n + 1)
    chance = stats.binom.pmf(hits, n, share)
    likely = hits[chance > 1e-5]
    bounds = np.array([interval(hit) for hit in likely])
    assert (bounds[:, 0] < bounds[:, 1]).all()
    return chance[likely][(bounds[:, 0] <= share) & (share <= bounds[:, 1])].sum()


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("n", SIZES)
def test_a_proportion_is_covered_at_the_boundary_too(n, share):
    covered = binomial_coverage(n, share, lambda hits: proportion_interval(hits, n, FEW))
    assert covered >= LEAST


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("n", SIZES[:3])
def test_a_mean_of_the_worst_scores_is_covered(n, share):
    """Scores that are 0 or 1 only are as far from the mean as can be."""
    covered = binomial_coverage(
        n, share, lambda hits: mean_interval(np.repeat([1.0, 0.0], [hits, n - hits]), FEW)
    )
    assert covered >= LEAST


@pytest.mark.slow
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("n", SIZES[:3])
def test_a_mean_dice_is_covered(n, share):
    rng = np.random.default_rng(n)
    scores = rng.beta(share * 10, (1 - share) * 10, (200, n))
    bounds = np.array([mean_interval(of_pairs, FEW) for of_pairs in scores])
    assert ((bounds[:, 0] <= share) & (share <= bounds[:, 1])).mean() >= LEAST


def simulated(n, recall, n_classes, rng):
    """Test predictions of n radiographs a class, errors in equal parts."""
    classes = [f"c{place}" for place in range(n_classes)]
    shares = np.full((n_classes, n_classes), (1 - recall) / (n_classes - 1))
    np.fill_diagonal(shares, recall)
    rows = [
        pd.DataFrame({"label": name, "predicted": rng.choice(classes, n, p=own)})
        for name, own in zip(classes, shares, strict=True)
    ]
    table = pd.concat(rows, ignore_index=True).assign(split="test")
    return shares, table.assign(**{f"probability_{name}": 0.5 for name in classes})


# The hardest of them for every change, the others where there is time.
HARDEST = {(7, 0.5, 2), (28, 0.95, 2), (61, 0.99, 2), (61, 0.95, 4)}
SETTINGS = [
    pytest.param(*case, marks=pytest.mark.slow if case in HARDEST else pytest.mark.thorough)
    for case in itertools.product(SIZES, SHARES, (2, 4))
]


@pytest.mark.parametrize(("n", "recall", "n_classes"), SETTINGS)
def test_f1_precision_and_accuracy_are_covered(n, recall, n_classes):
    rng = np.random.default_rng(n)
    covered, trials = {}, 150
    for _ in range(trials):
        shares, table = simulated(n, recall, n_classes, rng)
        true = {name: values[0] for name, values in scores_by_class(shares).items()}
        scores = score_predictions(table, FEW).set_index(["label", "score"])
        assert (scores["low"] < scores["high"]).all()
        for place in (("all", "f1_score"), ("all", "precision"), ("c0", "precision"),
                      ("c0", "f1_score"), ("all", "accuracy")):  # fmt: skip
            truth = recall if place[1] == "accuracy" else true[place[1]]
            low, high = scores.loc[place, ["low", "high"]]
            covered[place] = covered.get(place, 0) + (low - 1e-9 <= truth <= high + 1e-9)
    # Of 150 trials at 0.95, as few as this come by chance once in a thousand.
    assert min(covered.values()) / trials >= 0.89
    assert np.mean(list(covered.values())) / trials >= LEAST


@pytest.mark.slow
@pytest.mark.parametrize("area", SHARES)
@pytest.mark.parametrize("n", SIZES[:3])
def test_an_area_under_the_roc_curve_is_covered(n, area):
    """Scores of two normal distributions, so far apart that the area is known."""
    rng = np.random.default_rng(n)
    apart, trials, covered = np.sqrt(2) * stats.norm.ppf(area), 150, 0
    truth = np.arange(2 * n) < n
    for _ in range(trials):
        score = stats.norm.cdf(rng.normal(size=2 * n) + apart * truth)
        label = np.where(truth, "COVID", "Normal")
        table = pd.DataFrame({"image_id": np.arange(2 * n), "label": label, "split": "test"})
        table["predicted"] = np.where(score > 0.5, "COVID", "Normal")
        table = table.assign(probability_COVID=score, probability_Normal=1 - score)
        row = score_screening(table, FEW)
        assert row["roc_auc_low"] < row["roc_auc_high"]
        covered += row["roc_auc_low"] <= area <= row["roc_auc_high"]
    assert covered / trials >= LEAST


# --- Samples and posterior draws ------------------------------------------------------------------


def groups_of(confusion, siblings=1):
    """Radiographs of a confusion matrix, so many of each duplicate group."""
    confusion = np.asarray(confusion)
    places = np.repeat(np.arange(confusion.size), confusion.ravel())
    classes, kinds = np.unravel_index(places, confusion.shape)
    return count_groups(classes, kinds, np.arange(len(places)) // siblings, confusion.shape)


def test_classes_keep_their_sizes_and_samples_their_means():
    confusion = np.array([[30, 10], [0, 7]])
    draws = resample(groups_of(confusion), intervals_of(4000, seed=3))
    assert draws.shape == (2, 4000, 2, 2)
    np.testing.assert_allclose(draws.sum(axis=-1), np.broadcast_to([40, 7], (2, 4000, 2)))
    assert draws[0].mean(axis=0) == pytest.approx(confusion, abs=0.3)
    # The posterior knows half a radiograph of each kind beforehand.
    expected = np.array([[40 * 30.5 / 41, 40 * 10.5 / 41], [7 * 0.5 / 8, 7 * 7.5 / 8]])
    assert draws[1].mean(axis=0) == pytest.approx(expected, abs=0.3)


def test_samples_equal_drawing_images_with_replacement():
    # The slow way: draw 40 images of a class, 30 of them right, again and again.
    rng = np.random.default_rng(0)
    drawn = rng.choice([1] * 30 + [0] * 10, size=(4000, 40)).mean(axis=1)
    draws = resample(groups_of([[30, 10], [0, 5]]), intervals_of(4000, seed=1))
    assert np.quantile(draws[0, :, 0, 0] / 40, [0.025, 0.5, 0.975]) == pytest.approx(
        np.quantile(drawn, [0.025, 0.5, 0.975]), abs=0.026
    )


def test_siblings_are_drawn_together_and_widen_the_interval():
    """Five images of each of eight patients say as much as eight images do."""
    alone = resample(groups_of([[30, 10]]), intervals_of(4000))
    together = resample(groups_of([[30, 10]], siblings=5), intervals_of(4000))
    few = resample(groups_of([[6, 2]]), intervals_of(4000))
    assert not groups_of([[30, 10]])[0].has_siblings
    assert groups_of([[30, 10]], siblings=5)[0].has_siblings
    spread = [balance_classes(draws)[..., 0, 0].std(axis=1) for draws in (alone, together, few)]
    np.testing.assert_allclose(spread[1], spread[2], rtol=0.1)
    assert (spread[1] > 2 * spread[0]).all()
    np.testing.assert_array_equal(count_kinds(groups_of([[30, 10]], siblings=5)), [[30, 10]])


def test_one_seed_one_interval_and_an_empty_class_stays_empty():
    first, second = (resample(groups_of([[3, 1], [0, 0]]), intervals_of(seed=9)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first[..., 1, :] == 0).all()


def test_an_interval_of_draws_holds_those_of_its_rows():
    draws = np.stack([np.linspace(0, 1, 1001), np.linspace(0.5, 2, 1001)])
    many = 10**7
    assert interval_of_draws(draws[0], intervals_of(), many) == pytest.approx((0.025, 0.975))
    assert interval_of_draws(draws, intervals_of(), many) == pytest.approx((0.025, 2 - 0.0375))


def test_of_few_radiographs_the_interval_is_as_much_wider_as_students():
    normal = stats.norm.ppf(np.arange(1, 100_000) / 100_000)
    low, high = interval_of_draws(normal, intervals_of(), 7)
    assert high == pytest.approx(stats.t.ppf(0.975, 6) * np.sqrt(7 / 6), rel=0.01)
    assert low == pytest.approx(-high, rel=0.01)
    assert interval_of_draws(normal, intervals_of(), 1) == (normal[0], normal[-1])


def test_wilsons_interval_is_that_of_its_formula():
    hits, n, z = 9, 12, stats.norm.ppf(0.975)
    middle = (hits + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(hits * (n - hits) / n + z**2 / 4)
    assert proportion_interval(hits, n, FEW) == pytest.approx((middle - half, middle + half))
    assert proportion_interval(0, 0, FEW) == (0, 1)


# --- The mean of a score per radiograph -----------------------------------------------------------


def interval(values, **options):
    return mean_interval(np.asarray(values), intervals_of(**options))


@pytest.mark.parametrize("values", [[0.25] * 7, [1.0] * 30, [0.0], [0.5]])
def test_scores_that_are_all_equal_leave_doubt(values):
    low, high = interval(values)
    assert 0 <= low <= values[0] <= high <= 1
    assert low < high


def test_what_a_score_could_be_bounds_the_doubt():
    low, high = mean_interval(np.full(7, 4.0), FEW, (0, 5))
    assert 2 < low < 4 < high < 4.8


def test_a_large_sample_has_the_normal_interval():
    values = np.random.default_rng(4).beta(2, 5, 2000)
    low, high = interval(values, n_resamples=3000)
    error = values.std() / np.sqrt(2000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


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
