import importlib

import keras
import numpy as np
import pytest

from covid_xray.models.backbones import (
    PREPROCESSING,
    WeightsError,
    build_classifier,
    calibrate_batch_norm,
    count_trainable_parameters,
)
from support.transfer import PUBLISHED, build


@pytest.mark.parametrize("architecture", PUBLISHED)
def test_trainable_parameters_equal_table_5_to_the_unit(architecture):
    model = build(architecture)
    assert count_trainable_parameters(model) == PUBLISHED[architecture][2]


@pytest.mark.parametrize("architecture", PREPROCESSING)
def test_preprocessing_in_the_model_equals_the_applications_own(architecture):
    grey = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)
    rgb = np.repeat(grey, 3, axis=-1)
    tensor = keras.Input((16, 16, 3))
    ours = keras.Model(tensor, PREPROCESSING[architecture](tensor))(rgb)
    modules = {"EfficientNetB0": "efficientnet", "ResNet50V2": "resnet_v2"}
    module = modules.get(architecture, architecture.lower())
    preprocess = importlib.import_module(f"keras.applications.{module}").preprocess_input
    np.testing.assert_allclose(ours, preprocess(rgb.copy()), atol=1e-4)


def test_radiographs_of_any_size_are_taken_as_they_are():
    model = build("MobileNet")
    for shape in ((2, 256, 256, 1), (1, 64, 48, 1)):
        radiographs = np.random.default_rng(0).integers(0, 256, shape).astype("float32")
        probabilities = keras.ops.convert_to_numpy(model(radiographs, training=False))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, second, other = (build("MobileNet", seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_an_unknown_backbone_is_named_with_the_known_ones():
    with pytest.raises(WeightsError, match=r"'AlexNet'.*MobileNet"):
        build_classifier(
            "AlexNet", trainable_layers=1, head=[], n_classes=4, input_side=32, weights=None, seed=1
        )


def test_missing_weights_are_named_and_nothing_else_is_loaded_instead(tmp_path):
    with pytest.raises(WeightsError, match=r"mobilenet_notop\.weights\.h5"):
        build("MobileNet", weights=tmp_path)


def test_weights_of_another_architecture_are_named(tmp_path):
    vgg = keras.applications.VGG19(include_top=False, weights=None, input_shape=(32, 32, 3))
    vgg.save_weights(tmp_path / "mobilenet_notop.weights.h5")
    with pytest.raises(WeightsError, match=r"mobilenet_notop\.weights\.h5 does not hold weights"):
        build("MobileNet", weights=tmp_path)


def test_weights_from_a_folder_reach_the_backbone(tmp_path):
    keras.utils.set_random_seed(7)
    bare = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3))
    bare.save_weights(tmp_path / "mobilenet_notop.weights.h5")
    model = build("MobileNet", weights=tmp_path)
    for layer in (layer for layer in bare.layers if layer.weights):
        for theirs, ours in zip(layer.weights, model.get_layer(layer.name).weights, strict=True):
            np.testing.assert_array_equal(theirs, ours)


def test_imagenet_weights_are_those_of_the_application(imagenet_weights):
    bare = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(64, 64, 3))
    bare.load_weights(imagenet_weights / "mobilenet_notop.weights.h5")
    model = build("MobileNet", weights=imagenet_weights, input_side=64)
    radiographs = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 1)).astype("float32")
    expected = bare(np.repeat(radiographs, 3, axis=-1) / 127.5 - 1, training=False)
    backbone = keras.Model(model.inputs[0], model.get_layer("conv_pw_13_relu").output)
    np.testing.assert_allclose(backbone(radiographs, training=False), expected, atol=1e-4)


def test_calibration_sets_the_statistics_of_the_batch_and_leaves_the_rest():
    model = build("MobileNet")
    images = np.random.default_rng(0).integers(0, 256, (16, 64, 64)).astype(np.uint8)
    first = model.get_layer("conv1_bn")
    before = [(layer.trainable, getattr(layer, "momentum", None)) for layer in model.layers]
    kernel = model.get_layer("conv1").get_weights()[0]
    calibrate_batch_norm(model, images)
    conv1 = keras.Model(model.inputs[0], model.get_layer("conv1").output)
    activations = keras.ops.convert_to_numpy(conv1(images[..., None].astype("float32")))
    np.testing.assert_allclose(first.moving_mean, activations.mean(axis=(0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(first.moving_variance, activations.var(axis=(0, 1, 2)), rtol=1e-3)
    assert [(layer.trainable, getattr(layer, "momentum", None)) for layer in model.layers] == before
    np.testing.assert_array_equal(model.get_layer("conv1").get_weights()[0], kernel)
