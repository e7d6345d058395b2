"""Separation of classes: the slow reference's figures, and chance where chance is all there is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_score

from covid_xray.evaluation.embedding import score_embedding

SEEDS = st.integers(0, 2**32 - 1)
FIGURES = [
    "silhouette",
    "silhouette_shuffled",
    "silhouette_shuffled_highest",
    "knn_purity",
    "knn_purity_shuffled",
    "knn_purity_shuffled_highest",
]


def score(points, labels, **changes):
    options = {"n_neighbours": 3, "n_shuffles": 5, "silhouette_rows": 10_000, "seed": 0}
    return score_embedding(np.asarray(points), labels, **options | changes)


def on_a_line(*places):
    return np.array(places, dtype=float)[:, None]


def slow_purity(points, labels, n_neighbours):
    """Class by class, the mean share of nearest neighbours that are of the class."""
    shares = {}
    for i, label in enumerate(labels):
        others = sorted(
            (np.linalg.norm(points[i] - points[j]), labels[j] == label)
            for j in range(len(points))
            if j != i
        )
        same = [is_same for _, is_same in others[:n_neighbours]]
        shares.setdefault(label, []).append(np.mean(same))
    return np.mean([np.mean(own) for own in shares.values()])


@st.composite
def labelled_points(draw):
    """Points of two to four classes that overlap, with at least two of each."""
    sizes = draw(st.lists(st.integers(2, 15), min_size=2, max_size=4))
    labels = np.repeat(np.array(["Normal", "COVID", "Viral", "Opacity"])[: len(sizes)], sizes)
    rng = np.random.default_rng(draw(SEEDS))
    labels = rng.permutation(labels)
    points = rng.normal(size=(len(labels), draw(st.integers(1, 5))))
    return points + (labels == "COVID")[:, None], labels


@given(labelled_points(), st.integers(1, 3))
@settings(deadline=None, max_examples=40)
def test_purity_is_that_of_the_slow_reference(case, n_neighbours):
    points, labels = case
    row = score(points, labels, n_neighbours=n_neighbours, n_shuffles=1)
    assert row["knn_purity"] == pytest.approx(slow_purity(points, labels, n_neighbours))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(case=labelled_points())
@settings(deadline=None, max_examples=25)
def test_silhouette_of_all_points_is_scikit_learns(dtype, case):
    points, labels = case[0].astype(dtype), case[1]
    row = score(points, labels, n_shuffles=1)
    assert row["silhouette"] == pytest.approx(silhouette_score(points, labels), abs=1e-5)
    assert (row["n_radiographs"], row["n_dimensions"]) == points.shape
    assert row["note"] == ""
    assert list(row) == ["n_radiographs", "n_dimensions", *FIGURES, "note"]


def test_purity_by_hand_with_classes_of_four_and_of_one():
    points, labels = on_a_line(0, 1, 2.1, 10, 10.4), ["A", "A", "A", "A", "B"]
    # One neighbour: the three on the left are among themselves, 10 and 10.4 have each other.
    one = score(points, labels, n_neighbours=1)
    assert one["knn_purity"] == pytest.approx((3 / 4 + 0) / 2)
    # Two: beside 10.4, 10 has 2.1, of its class; 10.4 has none of its own.
    two = score(points, labels, n_neighbours=2)
    assert two["knn_purity"] == pytest.approx(((1 + 1 + 1 + 1 / 2) / 4 + 0) / 2)


def test_silhouette_by_hand():
    # Within a class 1 apart, between them 10 on average, give or take what the place adds.
    row = score(on_a_line(0, 1, 10, 11), list("AABB"), n_neighbours=1)
    outer, inner = 1 - 1 / 10.5, 1 - 1 / 9.5
    assert row["silhouette"] == pytest.approx((outer + inner) / 2)


def test_blobs_far_apart_are_pure_and_far_from_chance():
    rng = np.random.default_rng(1)
    labels = np.repeat(["A", "B", "C"], [40, 25, 10])
    points = rng.normal(size=(75, 4)) + 1000 * np.repeat(np.eye(3, 4), [40, 25, 10], axis=0)
    row = score(points, labels, n_shuffles=20)
    assert row["knn_purity"] == 1
    assert row["silhouette"] > 0.99
    assert row["knn_purity_shuffled_highest"] < 0.6
    assert row["silhouette_shuffled_highest"] < 0.1


def test_a_large_class_does_not_decide_purity():
    # 200 of one class and 10 of another in one cloud: purity by radiograph would be 0.91.
    points = np.random.default_rng(2).normal(size=(210, 3))
    row = score(points, ["A"] * 200 + ["B"] * 10)
    assert row["knn_purity"] == pytest.approx(0.5, abs=0.05)


def test_shuffled_purity_is_what_is_left_of_each_class():
    sizes = {"A": 40, "B": 15, "C": 5}
    labels = np.repeat(list(sizes), list(sizes.values()))
    points = np.random.default_rng(3).normal(size=(60, 2)) + (labels == "A")[:, None] * 9
    # Of a radiograph's 59 companions, n_c - 1 are of its class, wherever it lies.
    expected = np.mean([(size - 1) / 59 for size in sizes.values()])
    row = score(points, labels, n_shuffles=1000)
    assert row["knn_purity_shuffled"] == pytest.approx(expected, abs=0.005)
    assert row["knn_purity_shuffled_highest"] > expected + 0.02
    assert row["knn_purity"] > 0.6


def test_shuffled_silhouette_is_near_zero_and_below_its_highest():
    labels = np.repeat(["A", "B"], 50)
    row = score(np.random.default_rng(4).normal(size=(100, 3)), labels, n_shuffles=200)
    assert row["silhouette_shuffled"] == pytest.approx(0, abs=0.01)
    assert 0.01 < row["silhouette_shuffled_highest"] < 0.2


@pytest.mark.parametrize("name", ["silhouette", "knn_purity"])
def test_random_labels_beat_19_shufflings_once_in_20_times(name):
    rng = np.random.default_rng(5)
    beaten, places = 0, []
    for seed in range(100):
        points, labels = rng.normal(size=(40, 2)), rng.permutation(np.repeat([0, 1], [28, 12]))
        row = score(points, labels, n_shuffles=19, seed=seed)
        beaten += row[name] > row[f"{name}_shuffled_highest"]
        places.append(row[name] - row[f"{name}_shuffled"])
    # Five of 100 are expected, with a standard deviation of two (ties make it fewer).
    assert 1 <= beaten <= 11
    assert abs(np.mean(places)) < 3 * np.std(places) / np.sqrt(100)


def test_one_shuffling_is_its_own_mean_and_highest():
    points = np.random.default_rng(6).normal(size=(30, 2))
    row = score(points, ["A", "B"] * 15, n_shuffles=1)
    for name in ("silhouette", "knn_purity"):
        assert row[f"{name}_shuffled"] == row[f"{name}_shuffled_highest"] != row[name]


# --- Drawing for the silhouette ------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [10, 12, 100])
def test_a_rare_class_is_drawn_all_the_same(n_rows):
    labels = np.repeat(["A", "B"], [500, 2])
    points = np.random.default_rng(7).normal(size=(502, 2)) + 1000 * (labels == "B")[:, None]
    assert score(points, labels, silhouette_rows=n_rows)["silhouette"] > 0.99


def test_as_many_are_drawn_as_asked_for():
    # Equal points score 1 and a class of one scores 0, so the mean tells how many were drawn:
    # of 60, 40 and 1, 6 and 4 are their proportion of ten, and the one is added.
    labels = np.repeat(["A", "B", "C"], [60, 40, 1])
    row = score(on_a_line(*[0] * 60, *[1] * 40, 2), labels, silhouette_rows=10)
    assert row["silhouette"] == pytest.approx(10 / 11)


def test_classes_are_drawn_in_proportion():
    # A tight class of 900 and a wide one of 100: drawn evenly they would score far lower.
    rng = np.random.default_rng(8)
    labels = np.repeat(["tight", "wide"], [900, 100])
    points = rng.normal(size=(1000, 2)) * np.where(labels == "tight", 0.1, 5)[:, None]
    points[labels == "wide"] += 3
    whole = silhouette_score(points, labels)
    halves = [points[labels == name][:100] for name in ("tight", "wide")]
    evenly = silhouette_score(np.concatenate(halves), np.repeat([0, 1], 100))
    assert evenly < whole - 0.2
    drawn = [score(points, labels, silhouette_rows=200, seed=s)["silhouette"] for s in range(8)]
    assert len(set(drawn)) == 8
    assert np.mean(drawn) == pytest.approx(whole, abs=0.05)


def test_drawing_for_the_silhouette_leaves_purity_to_all_points():
    points = np.random.default_rng(9).normal(size=(80, 2))
    labels = np.array(["A", "B"])[(points[:, 0] > 0).astype(int)]
    row = score(points, labels, silhouette_rows=10)
    assert row["n_radiographs"] == 80
    assert row["knn_purity"] == pytest.approx(slow_purity(points, labels, 3))


# --- Seeds, and what cannot be tested ------------------------------------------------------------


def test_the_seed_decides_the_shufflings():
    points = np.random.default_rng(10).normal(size=(60, 3))
    labels = np.repeat(["A", "B", "C"], 20)
    first, again, other = (
        score(points, labels, silhouette_rows=30, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first["knn_purity"] == other["knn_purity"]
    for name in ("silhouette", "silhouette_shuffled", "knn_purity_shuffled"):
        assert first[name] != other[name]


@pytest.mark.parametrize(
    ("labels", "n_neighbours", "reason"),
    [
        (["A"] * 20, 3, "1 class(es), and at least 2 are needed"),
        ([], 3, "0 class(es), and at least 2 are needed"),
        (["A", "A", "B"], 3, "3 radiographs are too few for 3 neighbours"),
        (["A", "B"] * 5, 10, "10 radiographs are too few for 10 neighbours"),
    ],
)
def test_what_cannot_be_scored_says_why(labels, n_neighbours, reason):
    points = np.random.default_rng(11).normal(size=(len(labels), 2))
    row = score(points, labels, n_neighbours=n_neighbours)
    assert row["note"] == f"not testable: {reason}"
    assert (row["n_radiographs"], row["n_dimensions"]) == (len(labels), 2)
    assert list(row) == ["n_radiographs", "n_dimensions", *FIGURES, "note"]
    assert np.isnan([row[name] for name in FIGURES]).all()


def test_classes_of_one_radiograph_each_cannot_be_scored():
    row = score(on_a_line(1, 2, 3, 4), list("ABCD"), n_neighbours=2)
    assert row["note"].startswith("not testable: ")
    assert np.isnan([row[name] for name in FIGURES]).all()


def test_one_radiograph_more_than_neighbours_can_be_scored():
    row = score(on_a_line(0, 1, 10, 11), list("AABB"), n_neighbours=3)
    assert row["note"] == ""
    assert row["knn_purity"] == pytest.approx(1 / 3)
    assert np.isfinite([row[name] for name in FIGURES]).all()
