import importlib

import keras
import numpy as np
import pytest

from covid_xray.models.backbone import BACKBONES, WeightsError
from covid_xray.models.transfer_classifiers import (
    _preprocessing,
    build_classifier,
    copy_classifier,
    count_trainable_parameters,
)
from covid_xray.models.trunk import cut_classifier
from support.transfer import PUBLISHED, build, build_calibrated

pytestmark = pytest.mark.slow

# Where keras.applications keeps the preprocessing of each backbone that the project names, and
# of one that it does not.
APPLICATIONS = {
    "MobileNet": "mobilenet",
    "EfficientNetB0": "efficientnet",
    "ResNet50V2": "resnet_v2",
    "VGG19": "vgg19",
    "DenseNet201": "densenet",
    "Xception": "xception",
}
# Every grey once, in three equal channels.
GREYS = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)


def preprocessed(architecture, radiographs):
    rgb = np.repeat(radiographs, 3, axis=-1).astype("float32")
    module = importlib.import_module(f"keras.applications.{APPLICATIONS[architecture]}")
    return module.preprocess_input(rgb)


@pytest.mark.parametrize("architecture", [backbone.keras_name for backbone in BACKBONES])
def test_trainable_parameters_equal_table_5_to_the_unit(architecture):
    assert count_trainable_parameters(build(architecture)) == PUBLISHED[architecture]


def test_without_a_trainable_layer_only_the_head_is_trained_behind_the_pooled_vector():
    head = [{"dense": 16}, {"dropout": 0.5}]
    model = build_calibrated("MobileNet", trainable_layers=0, head=head)
    trained = {weight.path.split("/")[0] for weight in model.trainable_weights}
    assert trained == {"head_1_dense", "probabilities"}
    assert count_trainable_parameters(model) == (1024 * 16 + 16) + (16 * 4 + 4)
    cut = cut_classifier(model)
    assert cut.crossing_shapes == [(1024,)]
    radiographs = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 1)).astype("float32")
    last = keras.Model(model.inputs[0], model.get_layer("conv_pw_13_relu").output)
    (pooled,) = keras.tree.flatten(cut.trunk(radiographs, training=False))
    expected = keras.ops.convert_to_numpy(last(radiographs, training=False)).mean(axis=(1, 2))
    np.testing.assert_allclose(pooled, expected, atol=1e-5)


@pytest.mark.parametrize("architecture", APPLICATIONS)
def test_preprocessing_equals_the_applications_own(architecture):
    ours = _preprocessing(architecture)(np.repeat(GREYS, 3, axis=-1))
    np.testing.assert_allclose(ours, preprocessed(architecture, GREYS), atol=1e-4)


def test_the_model_preprocesses_its_radiographs_channel_by_channel():
    # VGG19's network wants blue first, with a mean of its own for each channel.
    model = build("VGG19", input_side=32)
    inside = keras.Model(model.inputs[0], model.get_layer("preprocessing").output)
    radiographs = np.kron(GREYS, np.ones((1, 2, 2, 1), np.float32))
    np.testing.assert_allclose(inside(radiographs), preprocessed("VGG19", radiographs), atol=1e-3)


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


@pytest.mark.parametrize("name", ["AlexNet", "mobilenet", "MobileNet "])
def test_an_unknown_backbone_is_named_with_the_known_ones(name):
    with pytest.raises(WeightsError, match=rf"Unknown backbone '{name}'.*DenseNet201.*MobileNet"):
        build_classifier(
            name, trainable_layers=1, head=[], n_classes=4, input_side=32, weights=None, seed=1
        )


def test_more_trainable_layers_than_the_backbone_has_are_refused_with_their_number():
    with pytest.raises(WeightsError, match=r"trainable_layers is 500, of a backbone of \d+ layers"):
        build("MobileNet", trainable_layers=500)


def test_missing_weights_are_named_and_nothing_else_is_loaded_instead(tmp_path):
    with pytest.raises(WeightsError, match=r"mobilenet_notop\.weights\.h5.*`weights` to .imagenet"):
        build("MobileNet", weights=tmp_path)


def test_weights_of_another_architecture_are_named(tmp_path):
    vgg = keras.applications.VGG19(include_top=False, weights=None, input_shape=(32, 32, 3))
    vgg.save_weights(tmp_path / "mobilenet_notop.weights.h5")
    with pytest.raises(WeightsError, match=r"mobilenet_notop\.weights\.h5 does not hold weights"):
        build("MobileNet", weights=tmp_path)


@pytest.mark.parametrize("architecture", PUBLISHED)
def test_weights_from_a_folder_reach_every_layer_of_the_backbone(tmp_path, architecture):
    keras.utils.set_random_seed(7)
    application = getattr(keras.applications, architecture)
    bare = application(include_top=False, weights=None, input_shape=(64, 64, 3))
    # Statistics too: those of an untrained normalisation are the same in every model.
    bare.set_weights([weight * np.float32(1.05) for weight in bare.get_weights()])
    bare.save_weights(tmp_path / f"{architecture.lower()}_notop.weights.h5")
    # Read back, because `set_weights` changes no Normalization.
    bare.load_weights(tmp_path / f"{architecture.lower()}_notop.weights.h5")
    compare_with_application(build(architecture, weights=tmp_path, input_side=64), bare)


@pytest.mark.parametrize("architecture", ["MobileNet", "EfficientNetB0", "VGG19"])
def test_imagenet_weights_are_those_of_the_application(imagenet_weights, architecture):
    application = getattr(keras.applications, architecture)
    bare = application(include_top=False, weights=None, input_shape=(64, 64, 3))
    bare.load_weights(imagenet_weights / f"{architecture.lower()}_notop.weights.h5")
    compare_with_application(build(architecture, weights=imagenet_weights, input_side=64), bare)


@pytest.mark.parametrize("architecture", ["EfficientNetB0", "ResNet50V2"])
def test_a_copy_predicts_the_same_and_shares_nothing(tmp_path, architecture):
    model = build_calibrated(architecture)
    # EfficientNet's statistics of the input count as weights, but are taken up when loaded only.
    model.set_weights([weight * np.float32(1.05) for weight in model.get_weights()])
    model.save_weights(tmp_path / "model.weights.h5")
    model.load_weights(tmp_path / "model.weights.h5")
    copy = copy_classifier(model)
    radiographs = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 1)).astype("float32")
    expected = keras.ops.convert_to_numpy(model(radiographs, training=False))
    np.testing.assert_allclose(copy(radiographs, training=False), expected, atol=1e-6)
    assert count_trainable_parameters(copy) == count_trainable_parameters(model)
    model.set_weights([weight * 0 for weight in model.get_weights()])
    np.testing.assert_allclose(copy(radiographs, training=False), expected, atol=1e-6)


def compare_with_application(model, bare):
    """What reaches the pooling is what the bare application gives."""
    radiographs = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 1)).astype("float32")
    architecture = next(name for name in PUBLISHED if name.lower() == model.name)
    expected = np.asarray(bare(preprocessed(architecture, radiographs), training=False))
    backbone = keras.Model(model.inputs[0], model.get_layer("pooling").input)
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(backbone(radiographs, training=False), expected, atol=1e-4 * scale)
