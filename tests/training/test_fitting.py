"""Training on cached activations: equal to plain training, and each time from the same start."""

import keras
import numpy as np
import pytest
from scipy.stats import norm

from covid_xray.models.backbone import BACKBONES
from covid_xray.models.batch_norm import calibrate_batch_norm
from covid_xray.models.trunk import cut_classifier, trunk_features
from covid_xray.training.batches import ShuffledBatches, SplitRows, TrainingError
from covid_xray.training.fitting import compile_classifier, fit_compiled, predict_probabilities
from covid_xray.training.settings import TrainingSettings
from covid_xray.training.tail import TailTrainer
from support.transfer import build_calibrated, build_tiny

SETTINGS = TrainingSettings(learning_rate=1e-3, batch_size=4, epochs=2, patience=5, seed=11)
RNG = np.random.default_rng(3)
RADIOGRAPHS = RNG.integers(0, 256, (20, 32, 32)).astype(np.uint8)
TARGETS = np.eye(4, dtype=np.float32)[np.arange(20) % 4]
# Whole batches, as every other size of a batch is compiled anew.
TRAIN, VALIDATION = np.arange(16), np.arange(16, 20)
WEIGHTS = [3.0, 1.0, 1.0, 1.0]
FAST = TrainingSettings(learning_rate=0.03, batch_size=4, epochs=6, patience=6, seed=2)


def features_of(cut):
    return trunk_features(cut, [RADIOGRAPHS], len(RADIOGRAPHS), "float32").collect()


def train(trainer, features, weights=WEIGHTS, settings=SETTINGS, rows=(TRAIN, VALIDATION)):
    return trainer.train(
        features,
        targets=TARGETS,
        rows=SplitRows(rows[0], rows[1]),
        class_weights=weights,
        settings=settings,
    )


def tiny():
    """A trainer of a tiny classifier with dropout in its head, and what it trains on."""
    model = build_tiny()
    calibrate_batch_norm(model, RADIOGRAPHS)
    cut = cut_classifier(model)
    return TailTrainer(cut), features_of(cut)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES, ids=lambda backbone: backbone.id)
def test_training_on_cached_features_equals_plain_fit_of_the_whole_model(backbone):
    """Same seeds, dropout off: losses and weights within 1e-4 after two epochs.

    The plain side is Keras alone, without XLA, whose compiling takes most of the time.
    """
    head = [layer for layer in backbone.head if "dense" in layer]
    whole, ours = (build_calibrated(backbone.keras_name, head=head) for _ in range(2))
    for layer in whole.layers:
        # EfficientNet's stochastic depth is active even in frozen layers; the cache has it off.
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0

    def read(rows):
        return RADIOGRAPHS[rows][..., None].astype("float32"), TARGETS[rows]

    whole.compile(
        keras.optimizers.Adam(SETTINGS.learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    plain = whole.fit(
        ShuffledBatches(read, TRAIN, SETTINGS.batch_size, SETTINGS.seed),
        validation_data=ShuffledBatches(read, VALIDATION, SETTINGS.batch_size),
        epochs=SETTINGS.epochs,
        callbacks=[keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)],
        class_weight=dict(enumerate(WEIGHTS)),
        shuffle=False,
        verbose=0,
    )
    cut = cut_classifier(ours)
    before = [weight.copy() for weight in ours.get_weights()]
    cached = train(TailTrainer(cut), features_of(cut))
    for name, values in plain.history.items():
        np.testing.assert_allclose(cached[name], values, rtol=1e-4, atol=1e-4)
    trained = {weight.path for weight in ours.trainable_weights}
    for old, new, expected in zip(before, ours.weights, whole.get_weights(), strict=True):
        np.testing.assert_allclose(new, expected, atol=1e-4)
        if new.path in trained:
            assert np.abs(new - old).max() > 2e-4, f"{new.path} did not move, so it says nothing"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_history_to_the_last_bit():
    histories = []
    for _ in range(2):
        # Enough layers to train, few enough to compile in a moment.
        cut = cut_classifier(build_calibrated("MobileNet", trainable_layers=6))
        histories.append(train(TailTrainer(cut), features_of(cut)))
    assert histories[0].equals(histories[1])


@pytest.mark.slow
def test_a_later_training_equals_a_first_one_to_the_last_bit():
    """Whatever the trainer did before, and with dropout, whose random state moves."""
    first, features = tiny()
    history = train(first, features)
    weights = first.cut.whole.get_weights()
    trainer, _ = tiny()

    def assert_as_if_first():
        assert train(trainer, features).equals(history)
        for expected, weight in zip(weights, trainer.cut.whole.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)

    assert_as_if_first()
    assert_as_if_first()
    train(trainer, features, weights=[1.0, 1.0, 1.0, 50.0])
    train(trainer, features, rows=(np.arange(4, 20), np.arange(4)))
    assert_as_if_first()
    for change in ({"optimiser": "adagrad"}, {"learning_rate": 0.1}):
        assert not train(trainer, features, settings=SETTINGS.model_copy(update=change)).equals(
            history
        )
    assert_as_if_first()


@pytest.fixture(scope="module")
def trained():
    """One trainer for all, at a rate so high that the best epoch is not the last one."""
    trainer, features = tiny()
    return trainer, features, train(trainer, features, settings=FAST)


@pytest.mark.slow
def test_dropout_takes_part_in_the_training(trained):
    trainer, features = tiny()
    trainer.cut.whole.layers[-2].rate = 0
    assert not train(trainer, features, settings=FAST).equals(trained[2])


@pytest.mark.slow
def test_the_optimiser_is_the_one_asked_for_and_each_trains_in_its_own_way():
    kinds = {
        "adam": keras.optimizers.Adam,
        "sgd_momentum": keras.optimizers.SGD,
        "adagrad": keras.optimizers.Adagrad,
    }
    trainer, features = tiny()
    learnt = []
    for name, kind in kinds.items():
        settings = SETTINGS.model_copy(update={"optimiser": name, "learning_rate": 0.02})
        train(trainer, features, settings=settings)
        optimiser = trainer.cut.tail.optimizer
        assert type(optimiser) is kind
        assert float(optimiser.learning_rate) == pytest.approx(0.02)
        learnt.append(np.concatenate([w.ravel() for w in trainer.cut.tail.get_weights()]))
        if name == "sgd_momentum":
            assert optimiser.momentum == 0.9
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(learnt[one] - learnt[other]).max() > 1e-3


def test_the_trunk_stays_as_it_was(trained):
    before = tiny()[0].cut.trunk.weights
    assert before
    for old, new in zip(before, trained[0].cut.trunk.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def predict_from(cut, features, rows, batch_size):
    return predict_probabilities(cut.tail, lambda r: cut.part(features[r]), rows, batch_size)


def test_the_best_validation_loss_is_the_one_kept(trained):
    trainer, features, _ = trained
    history = train(trainer, features, settings=FAST)
    assert history["val_loss"].argmin() < len(history) - 1
    probabilities = predict_from(trainer.cut, features, VALIDATION, 4)
    loss = -np.log((probabilities * TARGETS[VALIDATION]).sum(axis=1)).mean()
    assert loss == pytest.approx(history["val_loss"].min(), rel=1e-3)


def test_predictions_are_those_of_the_whole_classifier_row_by_row(trained):
    trainer, features, _ = trained
    rows = np.array([7, 2, 19, 2, 0])
    expected = trainer.cut.whole(RADIOGRAPHS[rows][..., None].astype("float32"), training=False)
    for batch_size in (2, 64):
        predicted = predict_from(trainer.cut, features, rows, batch_size)
        np.testing.assert_allclose(predicted, expected, atol=1e-5)


def test_training_stops_when_patience_runs_out(trained):
    settings = FAST.model_copy(update={"epochs": 30, "patience": 1})
    history = train(*trained[:2], settings=settings)
    best = history["val_loss"].to_numpy().argmin()
    assert len(history) < 30
    assert len(history) == best + 2


@pytest.mark.slow
def test_a_heavier_class_is_predicted_more_often(trained):
    trainer, features, _ = trained
    shares = {}
    for weight in (0.02, 50.0):
        train(trainer, features, weights=[weight, 1.0, 1.0, 1.0], settings=FAST)
        outputs = trainer.cut.tail(trainer.cut.part(features), training=True)
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
    trainer, features = tiny()
    with pytest.raises(TrainingError, match=r"\[1, 1, 1, 0\]: every class needs one"):
        train(trainer, features, rows=(np.array([0, 1, 2]), VALIDATION))
    with pytest.raises(TrainingError, match=r"every class needs one"):
        train(trainer, features, rows=(np.array([], dtype=int), VALIDATION))
    with pytest.raises(TrainingError, match="no validation row"):
        train(trainer, features, rows=(TRAIN, np.array([], dtype=int)))


@pytest.mark.parametrize("weight", [1.0, 3.0, 1 / 3])
def test_a_class_weight_moves_recall_as_far_as_bayes_rule_says(weight):
    """Two normal distributions 1.5 apart: weight w moves the threshold by log(w) / 1.5.

    The validation loss, which chooses the epoch, is not weighted; so its classes are as frequent
    as the weights say, or it would choose an epoch before the weights have had their effect.
    """
    rng = np.random.default_rng(4)
    is_covid = np.arange(4000) % 2 == 0
    features = (rng.normal(size=4000) + 1.5 * is_covid).astype(np.float32)[:, None]
    targets = np.stack([is_covid, ~is_covid], axis=1).astype(np.float32)
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, activation="softmax")])
    settings = TrainingSettings(
        learning_rate=0.05, batch_size=100, epochs=40, patience=40, seed=1, optimiser="adam"
    )
    compile_classifier(model, settings)

    def read(rows):
        return features[rows], targets[rows]

    train, held_out = np.arange(2000), np.arange(2000, 4000)
    kept = np.where(is_covid[held_out], weight, 1) / max(weight, 1)
    validation = held_out[np.arange(2000) / 2000 < kept]
    fit_compiled(
        model,
        ShuffledBatches(read, train, 100, seed=1),
        ShuffledBatches(read, validation, 100),
        [weight, 1.0],
        settings,
    )
    grid = np.linspace(-4, 6, 4001, dtype=np.float32)
    threshold = grid[np.argmax(model.predict(grid[:, None], verbose=0)[:, 0] > 0.5)]
    recall = norm.sf(threshold - 1.5)
    assert recall == pytest.approx(norm.sf(0.75 - np.log(weight) / 1.5 - 1.5), abs=0.04)
