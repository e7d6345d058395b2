"""Batches balanced between groups, and radiographs turned anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from covid_xray.models.screening_classifiers import build_separable_cnn
from covid_xray.models.settings import SeparableCNNSettings
from covid_xray.training.balanced import random_views, train_balanced
from covid_xray.training.batches import ShuffledBatches, SplitRows, TrainingError, balanced_order
from covid_xray.training.fitting import compile_classifier, predict_probabilities
from covid_xray.training.settings import TrainingSettings, ViewSettings

pytestmark = pytest.mark.slow

VIEWS = ViewSettings(flips=True, rotation=0.1)
STILL = ViewSettings(flips=False, rotation=0)
SETTINGS = TrainingSettings(learning_rate=1e-2, batch_size=4, epochs=2, patience=2, seed=3)

sizes = st.lists(st.integers(1, 40), min_size=2, max_size=4)
seeds = st.integers(0, 2**31)


def groups_of(sizes, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(groups)


@given(sizes, seeds, st.integers(1, 6), st.integers(0, 5))
def test_every_batch_has_as_many_of_each_group(sizes, seed, per_group, epoch):
    groups = groups_of(sizes, seed)
    rows = np.arange(len(groups)) + 100  # numbers of radiographs are not positions
    batches = ShuffledBatches(
        lambda chosen: (chosen, groups[chosen - 100]), rows, per_group * len(sizes), seed, groups
    )
    for _ in range(epoch):
        batches.on_epoch_end()
    drawn = [batches[number] for number in range(len(batches))]
    for chosen, of_group in drawn:
        counts = np.bincount(of_group, minlength=len(sizes))
        assert len(set(counts)) == 1
        assert 0 < len(chosen) <= per_group * len(sizes)
    assert sum(len(chosen) for chosen, _ in drawn) == len(sizes) * min(sizes)


@given(sizes, seeds)
def test_none_comes_again_before_all_others_of_its_group_have_come(sizes, seed):
    groups = groups_of(sizes, seed)
    epochs = [balanced_order(groups, seed, epoch) for epoch in range(5)]
    for group, size in enumerate(sizes):
        shown = np.concatenate([order[groups[order] == group] for order in epochs])
        for start in range(0, len(shown), size):
            turn = shown[start : start + size]
            assert len(set(turn)) == len(turn)
        assert len(shown) == 5 * min(sizes)


def test_the_order_changes_with_seed_and_epoch_and_with_nothing_else():
    groups = groups_of([30, 10], 0)
    order = balanced_order(groups, 1, 0).tolist()
    assert order == balanced_order(groups, 1, 0).tolist()
    assert order != balanced_order(groups, 2, 0).tolist()
    assert order != balanced_order(groups, 1, 1).tolist()


@pytest.mark.parametrize(("batch_size", "used"), [(32, 36), (36, 36), (4, 6)])
def test_a_batch_grows_until_all_groups_share_it_evenly(batch_size, used):
    groups = groups_of([60] * 6, 0)
    batches = ShuffledBatches(lambda r: (r,), np.arange(360), batch_size, 0, groups)
    for batch in range(len(batches) - 1):
        (rows,) = batches[batch]
        assert np.bincount(groups[rows]).tolist() == [used // 6] * 6


def corners():
    """A radiograph whose four corners differ, so that every flip shows."""
    pixels = np.zeros((1, 16, 16, 1), np.float32)
    pixels[0, 0, 0], pixels[0, 0, -1], pixels[0, -1, 0], pixels[0, -1, -1] = 50, 100, 150, 200
    return pixels


def test_flips_show_a_radiograph_in_its_four_mirror_images_and_no_other():
    view = random_views(ViewSettings(flips=True, rotation=0), seed=5)
    seen = {view(corners()).tobytes() for _ in range(60)}
    mirrors = [corners()[:, ::a, ::b] for a in (1, -1) for b in (1, -1)]
    assert seen == {mirror.tobytes() for mirror in mirrors}


def test_rotations_reach_a_tenth_of_a_turn_and_no_further():
    # A bright spoke: its angle is the rotation.
    pixels = np.zeros((200, 65, 65, 1), np.float32)
    pixels[:, 32, 40:64] = 255
    turned = random_views(ViewSettings(flips=False, rotation=0.1), seed=7)(pixels)[..., 0]
    y, x = np.mgrid[:65, :65] - 32
    angles = [np.degrees(np.arctan2((y * p).sum(), (x * p).sum())) for p in turned]
    assert 33 < max(angles) < 37.5
    assert -37.5 < min(angles) < -33
    assert abs(np.mean(angles)) < 6
    assert turned.max() <= 255
    assert turned.min() >= 0


def test_views_change_with_each_call_and_repeat_with_the_seed():
    first, again = (random_views(VIEWS, seed=2) for _ in range(2))
    pixels = np.random.default_rng(0).uniform(0, 255, (3, 16, 16, 1)).astype(np.float32)
    one, two = first(pixels), first(pixels)
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(again(pixels), one)
    np.testing.assert_array_equal(again(pixels), two)


def test_without_flips_and_rotation_radiographs_stay_as_they_are():
    np.testing.assert_array_equal(random_views(STILL, seed=1)(corners()), corners())


def squares(n):
    """Dark and bright squares, and one-hot targets."""
    labels = np.arange(n) % 3 == 0
    levels = np.where(labels, 200, 40)[:, None, None, None]
    noise = np.random.default_rng(1).normal(0, 10, (n, 16, 16, 1))
    return (levels + noise).astype(np.float32), np.eye(2, dtype=np.float32)[labels.astype(int)]


def new_cnn():
    settings = SeparableCNNSettings(filters=[4, 8], dense=8, dropout=0.0)
    model = build_separable_cnn(settings, n_classes=2, input_side=16, seed=0)
    compile_classifier(model, SETTINGS)
    return model


@pytest.fixture(scope="module")
def trained():
    """A training, and the pixels that were asked for in it."""
    pixels, targets = squares(24)
    asked = []

    def read(rows):
        asked.append(np.array(rows))
        return pixels[rows]

    model = new_cnn()
    history = train_balanced(
        model,
        read,
        targets=targets,
        rows=SplitRows(np.arange(15), np.arange(15, 24)),
        views=VIEWS,
        settings=SETTINGS.model_copy(update={"epochs": 8, "patience": 8}),
    )
    return model, history, asked, pixels, targets


def test_validation_radiographs_are_never_turned(trained):
    model, history, _, pixels, targets = trained
    best = history["val_loss"].to_numpy().argmin()
    predicted = predict_probabilities(model, lambda r: pixels[r], np.arange(15, 24), 4)
    # The loss that training saw is that of the untouched radiographs, classes weighing the same.
    losses = -np.log((predicted * targets[15:]).sum(axis=1))
    bright = targets[15:, 1] == 1
    assert 0 < bright.sum() < 4.5
    loss = (losses[bright].mean() + losses[~bright].mean()) / 2
    assert loss == pytest.approx(history["val_loss"][best], rel=1e-4)


def test_training_sees_training_rows_alone_and_as_many_of_each_class(trained):
    _, _, asked, _, targets = trained
    for rows in asked:
        assert rows.max() < 15 or rows.min() >= 15
        if rows.max() < 15:
            assert targets[rows].sum(axis=0).tolist() == [len(rows) / 2] * 2


def test_a_cnn_learns_to_tell_dark_from_bright(trained):
    model, _, _, pixels, targets = trained
    predicted = predict_probabilities(model, lambda r: pixels[r], np.arange(24), 8)
    assert (predicted.argmax(axis=1) == targets.argmax(axis=1)).mean() == 1


def test_the_same_seed_trains_the_same_classifier():
    pixels, targets = squares(12)
    options = {
        "targets": targets,
        "rows": SplitRows(np.arange(8), np.arange(8, 12)),
        "views": VIEWS,
        "settings": SETTINGS,
    }
    weights = []
    for _ in range(2):
        model = new_cnn()
        train_balanced(model, lambda r: pixels[r], **options)
        weights.append([np.asarray(weight) for weight in model.weights])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_falling_rate_ends_near_zero():
    pixels, targets = squares(12)
    model, rates = new_cnn(), []

    def read(chosen):
        rates.append(float(model.optimizer.learning_rate))
        return pixels[chosen]

    settings = SETTINGS.model_copy(update={"schedule": "cosine", "epochs": 4, "patience": 4})
    rows = SplitRows(np.arange(8), np.arange(8, 12))
    history = train_balanced(
        model, read, targets=targets, rows=rows, views=STILL, settings=settings
    )
    falling = [0.01, 0.01 * 0.853553, 0.005, 0.01 * 0.146447]
    assert np.unique(rates)[::-1] == pytest.approx(falling, rel=1e-5)
    assert set(history) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}


def test_a_class_without_training_rows_is_refused():
    pixels, targets = squares(12)
    rest = np.flatnonzero(targets[:, 0])
    with pytest.raises(TrainingError, match="every class needs one"):
        train_balanced(
            new_cnn(),
            lambda r: pixels[r],
            targets=targets,
            rows=SplitRows(rest[:4], np.arange(12)),
            views=STILL,
            settings=SETTINGS,
        )
