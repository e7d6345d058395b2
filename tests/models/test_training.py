import keras
import numpy as np
import pytest

from covid_xray.models.settings import TrainingSettings
from covid_xray.models.training import (
    ShuffledBatches,
    TrainingError,
    fit,
    predict_probabilities,
    train_tail,
)
from covid_xray.models.trunk import cut_classifier, trunk_features
from support.transfer import build_calibrated

SETTINGS = TrainingSettings(learning_rate=1e-3, batch_size=4, epochs=2, patience=5, seed=11)
RNG = np.random.default_rng(3)
RADIOGRAPHS = RNG.integers(0, 256, (20, 32, 32)).astype(np.uint8)
TARGETS = np.eye(4, dtype=np.float32)[np.arange(20) % 4]
TRAIN, VALIDATION = np.arange(14), np.arange(14, 20)
# Enough layers to train, few enough to compile in a moment.
SHORT_TAIL = {"trainable_layers": 6}
WEIGHTS = [3.0, 1.0, 1.0, 1.0]


def features_of(cut):
    none = np.zeros(len(RADIOGRAPHS), dtype=bool)
    rows = np.arange(len(RADIOGRAPHS))
    stream = trunk_features(
        cut, RADIOGRAPHS, RADIOGRAPHS, none, rows, batch_size=8, dtype="float32"
    )
    return stream.collect()


def train(cut, features, weights=WEIGHTS, settings=SETTINGS):
    return train_tail(
        cut,
        features,
        targets=TARGETS,
        train_rows=TRAIN,
        validation_rows=VALIDATION,
        class_weights=weights,
        settings=settings,
    )


@pytest.mark.slow
def test_training_on_cached_features_equals_plain_fit_of_the_whole_model():
    """Same seeds, dropout off: weights within 1e-4 and losses within 1e-4 after two epochs."""
    without_dropout = {"head": [{"dense": 256}]}
    whole, ours = (build_calibrated("MobileNet", **without_dropout) for _ in range(2))

    def read(rows):
        return RADIOGRAPHS[rows][..., None].astype("float32"), TARGETS[rows]

    plain = fit(
        whole,
        ShuffledBatches(read, TRAIN, SETTINGS.batch_size, SETTINGS.seed),
        ShuffledBatches(read, VALIDATION, SETTINGS.batch_size),
        WEIGHTS,
        SETTINGS,
    )
    cut = cut_classifier(ours)
    before = [weight.copy() for weight in ours.get_weights()]
    cached = train(cut, features_of(cut))
    np.testing.assert_allclose(cached, plain, rtol=1e-4, atol=1e-4)
    for expected, weight in zip(whole.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-4)
    moved = [not np.array_equal(a, b) for a, b in zip(before, ours.get_weights(), strict=True)]
    assert any(moved), "nothing was trained, so the comparison says nothing"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_history_to_the_last_bit():
    histories = []
    for _ in range(2):
        cut = cut_classifier(build_calibrated("MobileNet", **SHORT_TAIL))
        histories.append(train(cut, features_of(cut)))
    assert histories[0].equals(histories[1])


@pytest.mark.slow
def test_the_trunk_stays_as_it_was():
    model = build_calibrated("MobileNet", **SHORT_TAIL)
    cut = cut_classifier(model)
    before = [weight.numpy().copy() for weight in cut.trunk.weights]
    train(cut, features_of(cut))
    for old, new in zip(before, cut.trunk.weights, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_the_best_validation_loss_is_the_one_kept():
    settings = TrainingSettings(learning_rate=1e-3, batch_size=4, epochs=3, patience=3, seed=1)
    cut = cut_classifier(build_calibrated("MobileNet", **SHORT_TAIL))
    features = features_of(cut)
    history = train(cut, features, settings=settings)
    probabilities = predict_probabilities(cut, features, VALIDATION, 4)
    loss = -np.log((probabilities * TARGETS[VALIDATION]).sum(axis=1)).mean()
    assert loss == pytest.approx(history["val_loss"].min(), rel=1e-3)


@pytest.mark.slow
def test_training_stops_when_patience_runs_out():
    # At a learning rate of nearly nothing the loss hardly moves, so it soon stops improving.
    settings = TrainingSettings(learning_rate=1.0, batch_size=4, epochs=30, patience=1, seed=1)
    cut = cut_classifier(build_calibrated("MobileNet", **SHORT_TAIL))
    history = train(cut, features_of(cut), settings=settings)
    best = history["val_loss"].to_numpy().argmin()
    assert len(history) < 30
    assert len(history) == best + 2


@pytest.mark.slow
def test_a_heavier_class_is_predicted_more_often():
    shares = {}
    for weight in (0.02, 50.0):
        cut = cut_classifier(
            build_calibrated("MobileNet", trainable_layers=6, head=[{"dense": 64}])
        )
        features = features_of(cut)
        head_only = TrainingSettings(learning_rate=1e-3, batch_size=4, epochs=8, patience=8, seed=1)
        train(cut, features, weights=[weight, 1.0, 1.0, 1.0], settings=head_only)
        outputs = cut.tail(cut.part(features), training=True)
        shares[weight] = keras.ops.convert_to_numpy(outputs)[:, 0].mean()
    assert shares[50.0] > shares[0.02] + 0.1


def batches(seed, n=11, batch_size=4):
    rows = np.arange(100, 100 + n)
    targets = np.eye(n, dtype=np.float32)
    return ShuffledBatches(lambda r: (r, targets[r - 100]), rows, batch_size, seed)


def test_every_epoch_shows_every_example_once_with_its_own_label():
    data = batches(seed=5)
    for _ in range(3):
        pairs = [data[i] for i in range(len(data))]
        rows = np.concatenate([inputs for inputs, _ in pairs])
        labels = np.concatenate([targets for _, targets in pairs]).argmax(axis=1)
        assert sorted(rows) == list(range(100, 111))
        np.testing.assert_array_equal(rows - 100, labels)
        data.on_epoch_end()


def test_the_order_changes_with_the_epoch_and_the_seed_and_with_nothing_else():
    def epochs(seed):
        data = batches(seed)
        seen = []
        for _ in range(2):
            seen.append(np.concatenate([data[i][0] for i in range(len(data))]).tolist())
            data.on_epoch_end()
        return seen

    assert epochs(5) == epochs(5)
    assert epochs(5) != epochs(6)
    assert epochs(5)[0] != epochs(5)[1]


def test_without_a_seed_the_given_order_stays():
    data = batches(None)
    assert np.concatenate([data[i][0] for i in range(len(data))]).tolist() == list(range(100, 111))


def test_a_class_without_training_rows_is_refused():
    cut = cut_classifier(build_calibrated("MobileNet", **SHORT_TAIL))
    features = np.zeros((20, 4), np.float32)
    with pytest.raises(TrainingError, match="every class needs one"):
        train_tail(
            cut,
            features,
            targets=TARGETS,
            train_rows=np.array([0, 1, 2]),
            validation_rows=VALIDATION,
            class_weights=WEIGHTS,
            settings=SETTINGS,
        )
    with pytest.raises(TrainingError, match="no validation row"):
        train_tail(
            cut,
            features,
            targets=TARGETS,
            train_rows=TRAIN,
            validation_rows=np.array([], dtype=int),
            class_weights=WEIGHTS,
            settings=SETTINGS,
        )
