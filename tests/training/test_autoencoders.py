"""Autoencoders: their code is what they are named for, and training sees training rows alone."""

from functools import cache

import cv2
import keras
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from covid_xray.datasets import KerasModelDataset
from covid_xray.models.autoencoders import Autoencoder, build_autoencoder
from covid_xray.models.settings import AutoencoderSettings
from covid_xray.training.autoencoders import train_autoencoder
from covid_xray.training.batches import SplitRows, TrainingError

pytestmark = pytest.mark.slow

SIDE = 16
ARCHITECTURES = {
    "dense": {"layers": [32, 24], "code": 6},
    "convolutional": {"layers": [4, 6], "code": 3},
}
# Two halvings leave 4x4 places with three channels each.
CODE_LENGTHS = {"dense": 6, "convolutional": 48}


def smooth(seed, n, side=SIDE):
    """Pictures of light and dark patches, as easy to remember as radiographs are."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 3, 3), dtype=np.uint8)
    return np.stack(
        [cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR) for picture in coarse]
    )


PICTURES = smooth(0, 60)
# Neither ascending nor all: rows 44 to 47 are in neither share.
TRAIN, VALIDATION = np.random.default_rng(1).permutation(44), np.arange(48, 60)


def settings_of(architecture, **changes):
    fields = {"learning_rate": 1e-2, "batch_size": 8, "epochs": 10, "seed": 7}
    return AutoencoderSettings(
        architecture=architecture, **ARCHITECTURES[architecture] | fields | changes
    )


def train(settings, pictures=PICTURES, train_rows=TRAIN, validation_rows=VALIDATION):
    model = build_autoencoder(settings, SIDE)
    history = train_autoencoder(
        model,
        pictures,
        rows=SplitRows(train_rows, validation_rows),
        settings=settings,
    )
    return model, history


@cache
def finished(architecture):
    """A model trained for ten epochs, and the history of its losses; read only."""
    return train(settings_of(architecture))


@pytest.fixture(params=ARCHITECTURES)
def trained(request):
    """An architecture, a trained model of it and the history of its losses."""
    return request.param, *finished(request.param)


def output_of(model, pictures):
    grey = pictures[..., None].astype(np.float32) / 255
    return keras.ops.convert_to_numpy(model(grey))


def code_of(model, pictures):
    """The slow way to the code: layer after layer, up to the one named `code`."""
    flow = pictures[..., None].astype(np.float32) / 255
    for layer in model.layers[1:]:
        flow = layer(flow)
        if layer.name == "code":
            return keras.ops.convert_to_numpy(flow).reshape(len(pictures), -1)
    raise AssertionError("no layer is named code")


def cross_entropy(model, pictures):
    truth, guess = pictures / 255, output_of(model, pictures)[..., 0].astype(np.float64)
    return -np.mean(truth * np.log(guess) + (1 - truth) * np.log(1 - guess))


def mean_ssim(reconstruct, pictures):
    copies = reconstruct(pictures)
    pairs = zip(pictures, copies, strict=True)
    return np.mean([structural_similarity(*pair, data_range=255) for pair in pairs])


def assert_same_weights(first, second):
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# --- Architecture --------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_radiograph_goes_in_and_one_of_its_size_comes_out_in_grey_0_to_1(architecture):
    model = build_autoencoder(settings_of(architecture), SIDE)
    noise = np.random.default_rng(2).integers(0, 256, (5, SIDE, SIDE), dtype=np.uint8)
    extremes = np.stack([np.zeros((SIDE, SIDE), np.uint8), np.full((SIDE, SIDE), 255, np.uint8)])
    # Large weights drive the last layer far to both sides.
    model.set_weights([weight * 20 for weight in model.get_weights()])
    output = output_of(model, np.concatenate([noise, extremes]))
    assert output.shape == (7, SIDE, SIDE, 1)
    assert 0 <= output.min() < 0.01
    assert 0.99 < output.max() <= 1


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_code_has_its_documented_length_and_is_not_confined_to_one_sign(architecture):
    autoencoder = Autoencoder(build_autoencoder(settings_of(architecture), SIDE))
    assert autoencoder.side == SIDE
    assert autoencoder.code_length == CODE_LENGTHS[architecture]
    codes = autoencoder.encode(PICTURES)
    assert (codes.shape, codes.dtype) == ((60, CODE_LENGTHS[architecture]), np.float32)
    assert codes.min() < 0 < codes.max()


def dense_weights(widths):
    return sum((before + 1) * after for before, after in zip(widths[:-1], widths[1:], strict=True))


def convolution_weights(channels):
    return sum(
        (9 * before + 1) * after for before, after in zip(channels[:-1], channels[1:], strict=True)
    )


def test_the_decoder_mirrors_the_encoder():
    dense = build_autoencoder(settings_of("dense"), SIDE)
    assert dense.count_params() == dense_weights([256, 32, 24, 6, 24, 32, 256])
    convolutional = build_autoencoder(settings_of("convolutional"), SIDE)
    assert convolutional.count_params() == convolution_weights([1, 4, 6, 3, 6, 4, 1])


def test_without_hidden_layers_there_is_the_code_alone():
    dense = build_autoencoder(settings_of("dense", layers=[]), SIDE)
    assert dense.count_params() == dense_weights([256, 6, 256])
    convolutional = build_autoencoder(settings_of("convolutional", layers=[]), 7)
    assert Autoencoder(convolutional).code_length == 7 * 7 * 3
    assert convolutional.output_shape == (None, 7, 7, 1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_seed_decides_the_untrained_weights(architecture):
    first, again = (build_autoencoder(settings_of(architecture), SIDE) for _ in range(2))
    assert_same_weights(first, again)
    other = build_autoencoder(settings_of(architecture, seed=8), SIDE)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize("side", [18, 30, 33])
def test_a_side_that_cannot_be_halved_is_refused_with_the_parameters_name(side):
    message = rf"exploration\.reduction\.side is {side}.* 2 convolutional.*multiple of 4"
    with pytest.raises(ValueError, match=message):
        build_autoencoder(settings_of("convolutional"), side)
    assert build_autoencoder(settings_of("dense"), side).output_shape == (None, side, side, 1)


# --- Codes and reconstructions -------------------------------------------------------------------


def test_codes_are_what_the_code_layer_gives(trained):
    _, model, _ = trained
    np.testing.assert_allclose(
        Autoencoder(model).encode(PICTURES[:9]), code_of(model, PICTURES[:9]), rtol=1e-4, atol=1e-4
    )


def test_a_dense_code_is_a_perceptron_of_the_pixels():
    model = build_autoencoder(settings_of("dense"), SIDE)
    rng = np.random.default_rng(4)
    weights = [rng.normal(size=weight.shape) / 10 for weight in model.get_weights()]
    model.set_weights(weights)
    flow = PICTURES.reshape(60, -1) / 255
    for layer in range(2):
        flow = np.maximum(flow @ weights[2 * layer] + weights[2 * layer + 1], 0)
    expected = flow @ weights[4] + weights[5]
    np.testing.assert_allclose(Autoencoder(model).encode(PICTURES), expected, rtol=1e-3, atol=1e-4)


def test_reconstructions_are_the_output_in_whole_grey_levels(trained):
    _, model, _ = trained
    copies = Autoencoder(model).reconstruct(PICTURES)
    assert (copies.shape, copies.dtype) == (PICTURES.shape, np.uint8)
    exact = output_of(model, PICTURES)[..., 0] * 255.0
    # Half a level is rounding; single precision adds a little.
    assert np.abs(copies - exact).max() <= 0.5 + 1e-2


def test_each_radiograph_is_encoded_by_itself(trained):
    _, model, _ = trained
    autoencoder = Autoencoder(model)
    halves = [autoencoder.encode(PICTURES[:7]), autoencoder.encode(PICTURES[7:])]
    np.testing.assert_allclose(
        np.concatenate(halves), autoencoder.encode(PICTURES), rtol=1e-4, atol=1e-4
    )


def test_a_saved_autoencoder_comes_back_as_it_was(trained, tmp_path):
    _, model, _ = trained
    dataset = KerasModelDataset(filepath=str(tmp_path / "autoencoder.keras"))
    dataset.save(model)
    loaded, kept = Autoencoder(dataset.load()), Autoencoder(model)
    assert (loaded.side, loaded.code_length) == (kept.side, kept.code_length)
    np.testing.assert_array_equal(loaded.encode(PICTURES), kept.encode(PICTURES))
    np.testing.assert_array_equal(loaded.reconstruct(PICTURES), kept.reconstruct(PICTURES))


# --- Training ------------------------------------------------------------------------------------


def test_training_lowers_the_loss_below_that_of_the_mean_picture(trained):
    _, _, history = trained
    assert history.columns.tolist() == ["epoch", "loss", "val_loss"]
    assert history["epoch"].tolist() == list(range(10))
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    truth, mean = PICTURES[VALIDATION] / 255, PICTURES[TRAIN].mean(axis=0) / 255
    of_the_mean = -np.mean(truth * np.log(mean) + (1 - truth) * np.log(1 - mean))
    assert history["val_loss"].iloc[-1] < of_the_mean


def test_the_loss_is_the_binary_cross_entropy_of_grey_levels(trained):
    _, model, history = trained
    assert history["val_loss"].iloc[-1] == pytest.approx(
        cross_entropy(model, PICTURES[VALIDATION]), abs=1e-4
    )


def test_training_makes_reconstructions_more_similar(trained):
    architecture, model, _ = trained
    untrained = Autoencoder(build_autoencoder(settings_of(architecture), SIDE))
    unseen = smooth(99, 20)
    before = mean_ssim(untrained.reconstruct, unseen)
    assert mean_ssim(Autoencoder(model).reconstruct, unseen) > before + 0.2


def test_the_same_seed_gives_the_same_autoencoder_to_the_last_bit():
    # Of a convolutional one the next test says the same.
    model, history = finished("dense")
    again, history_again = train(settings_of("dense"))
    assert history_again.equals(history)
    assert_same_weights(again, model)


def test_what_is_held_out_is_never_trained_on(trained):
    architecture, model, history = trained
    changed = PICTURES.copy()
    held_out = np.setdiff1d(np.arange(60), TRAIN)
    changed[held_out] = 255 - changed[held_out]
    again, history_again = train(settings_of(architecture), changed)
    assert_same_weights(again, model)
    assert history_again["loss"].equals(history["loss"])
    assert (history_again["val_loss"] != history["val_loss"]).all()


def losses(history):
    return history[["loss", "val_loss"]].head(2).to_numpy()


def test_another_seed_gives_another_order_of_training():
    # From the same weights, so that the order of the batches is all that differs.
    model = build_autoencoder(settings_of("dense"), SIDE)
    history = train_autoencoder(
        model,
        PICTURES,
        rows=SplitRows(TRAIN, VALIDATION),
        settings=settings_of("dense", seed=8, epochs=2),
    )
    assert (losses(history) != losses(finished("dense")[1])).all()


def test_larger_radiographs_are_trained_on_at_the_autoencoders_side():
    # Pixels that were repeated are averaged back to themselves.
    large = np.kron(PICTURES, np.ones((2, 2), np.uint8))
    _, history = train(settings_of("dense", epochs=2), large)
    np.testing.assert_array_equal(losses(history), losses(finished("dense")[1]))


def test_training_goes_on_for_all_epochs_and_keeps_the_last_however_bad_it_is():
    # Two pictures are learnt by heart, so that the loss of their negatives only grows.
    pictures = np.concatenate([PICTURES[:2], 255 - PICTURES[:2]])
    settings = settings_of("dense", epochs=30)
    model, history = train(settings, pictures, np.arange(2), np.arange(2, 4))
    assert len(history) == 30
    assert history["val_loss"].argmin() < 10
    assert history["val_loss"].iloc[-1] == pytest.approx(
        cross_entropy(model, pictures[2:]), rel=1e-3
    )
    assert history["val_loss"].iloc[-1] > history["val_loss"].min() + 0.1


@pytest.mark.parametrize(
    ("train_rows", "validation_rows", "counts"),
    [([], [1, 2], "0 and 2"), ([1, 2, 3], [], "3 and 0"), ([], [], "0 and 0")],
)
def test_an_autoencoder_without_radiographs_is_refused_with_their_numbers(
    train_rows, validation_rows, counts
):
    rows = [np.array(rows, dtype=np.intp) for rows in (train_rows, validation_rows)]
    with pytest.raises(TrainingError, match=rf"train on and to validate on.*{counts}\.$"):
        train(settings_of("dense"), PICTURES, *rows)
