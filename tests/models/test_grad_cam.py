"""Grad-CAM: closed forms, a slow numeric reference, and the classifiers it must explain."""

import cv2
import keras
import numpy as np
import pytest

from covid_xray.models.grad_cam import grad_cam, last_convolution
from support.transfer import PUBLISHED, build_calibrated

layers = keras.layers
SIDE = 16
RADIOGRAPHS = np.random.default_rng(7).integers(0, 256, (5, SIDE, SIDE)).astype(np.uint8)
LAST = {
    "MobileNet": "conv_pw_13",
    "EfficientNetB0": "top_conv",
    "ResNet50V2": "conv5_block3_3_conv",
    "VGG19": "block5_conv4",
}


def small_cnn(*head, n_classes=3, activation="softmax", bias="random_normal", filters=4):
    """Two convolutions under a head; their map has half the radiograph's side."""
    keras.utils.set_random_seed(3)
    final = layers.Dense(
        n_classes, activation=activation, bias_initializer=bias, name="probabilities"
    )
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(3, 3, padding="same", activation="tanh"),
            layers.Conv2D(filters, 3, strides=2, padding="same", name="last"),
            *head,
            final,
        ],
        name="small",
    )


def activations_of(model, radiographs=RADIOGRAPHS):
    part = keras.Model(model.inputs[0], last_convolution(model).output)
    return np.asarray(part(radiographs[..., None].astype("float32"), training=False))


def finished(coarse, side=SIDE):
    """Coarse evidence as heatmaps: above 0, of the radiograph's side, at most 1."""
    resized = np.stack([cv2.resize(heat, (side, side)) for heat in np.maximum(coarse, 0)])
    peaks = resized.max(axis=(1, 2), keepdims=True)
    return resized / np.where(peaks > 0, peaks, 1)


def numeric_gradient(model, activations, position, step=1e-2):
    """Central differences of a class's score for each activation, one at a time."""
    final = model.layers[-1]
    head = keras.Model(last_convolution(model).output, final.input)
    moved = step * np.eye(activations.size, dtype=np.float32).reshape(-1, *activations.shape)
    above, below = (np.asarray(head(activations + sign * moved)) for sign in (1, -1))
    kernel = np.asarray(final.kernel)[:, position]
    return ((above - below) @ kernel / (2 * step)).reshape(activations.shape)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_with_a_linear_head_the_weights_are_those_of_the_class(position):
    model = small_cnn(layers.GlobalAveragePooling2D())
    weights = np.asarray(model.layers[-1].kernel)[:, position]
    heatmaps = grad_cam(model, RADIOGRAPHS, np.full(5, position))
    expected = finished(activations_of(model) @ weights)
    np.testing.assert_allclose(heatmaps, expected, atol=1e-5)
    assert heatmaps.dtype == np.float32


def test_a_dense_head_agrees_with_numeric_gradients():
    model = small_cnn(layers.Flatten(), layers.Dense(8, activation="tanh"))
    classes = np.array([0, 1, 2, 0, 1])
    activations = activations_of(model)
    coarse = []
    for own, position in zip(activations, classes, strict=True):
        weights = numeric_gradient(model, own, position).mean(axis=(0, 1))
        coarse.append(own @ weights)
    expected = finished(np.array(coarse, dtype=np.float32))
    assert expected.max() == 1
    np.testing.assert_allclose(grad_cam(model, RADIOGRAPHS, classes), expected, atol=5e-3)


def test_the_score_is_taken_before_the_softmax():
    # The gradient of a probability would mix in the other classes' weights.
    model = small_cnn(layers.GlobalAveragePooling2D())
    before = grad_cam(model, RADIOGRAPHS, np.zeros(5, int))
    final = model.layers[-1]
    kernel, bias = final.get_weights()
    kernel[:, 1:] *= -7
    final.set_weights([kernel, bias + 50])
    np.testing.assert_allclose(grad_cam(model, RADIOGRAPHS, np.zeros(5, int)), before, atol=1e-6)


def test_a_saturated_softmax_still_has_evidence():
    # A probability of 1 in float32 has no gradient; its logit does.
    model = small_cnn(layers.GlobalAveragePooling2D())
    before = grad_cam(model, RADIOGRAPHS, np.zeros(5, int))
    final = model.layers[-1]
    kernel, bias = final.get_weights()
    final.set_weights([kernel, bias + np.array([500, 0, 0])])
    probabilities = np.asarray(model(RADIOGRAPHS[..., None].astype("float32")))
    assert (probabilities[:, 0] == 1).all()
    np.testing.assert_allclose(grad_cam(model, RADIOGRAPHS, np.zeros(5, int)), before, atol=1e-5)


def test_evidence_lies_where_the_convolution_finds_its_square():
    keras.utils.set_random_seed(0)
    found = layers.Conv2D(1, 5, padding="same", activation="relu", name="square")
    model = keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            found,
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", name="probabilities"),
        ]
    )
    found.set_weights([np.ones((5, 5, 1, 1)), np.array([-5000.0])])
    model.layers[-1].set_weights([np.array([[-1.0, 1.0]]), np.zeros(2)])
    radiographs = np.full((3, 32, 32), 20, np.uint8)
    centres = [(6, 9), (20, 25), (27, 4)]
    for radiograph, (y, x) in zip(radiographs, centres, strict=True):
        radiograph[y - 2 : y + 3, x - 2 : x + 3] = 250
    for heat, centre in zip(grad_cam(model, radiographs, np.ones(3, int)), centres, strict=True):
        assert np.unravel_index(heat.argmax(), heat.shape) == centre
        assert heat[centre] == 1
        assert (heat > 0).sum() < 50
    # The square speaks against class 0, and nothing for it.
    assert not grad_cam(model, radiographs, np.zeros(3, int)).any()


def test_each_radiograph_gets_the_map_of_its_own_class():
    model = small_cnn(layers.Flatten(), layers.Dense(8, activation="tanh"))
    of_class = [grad_cam(model, RADIOGRAPHS, np.full(5, position)) for position in range(3)]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(of_class[first] - of_class[second]).max() > 0.1
    classes = np.array([2, 0, 1, 1, 0])
    mixed = grad_cam(model, RADIOGRAPHS, classes)
    for place, position in enumerate(classes):
        np.testing.assert_allclose(mixed[place], of_class[position][place], atol=1e-5)


def test_batches_change_nothing():
    # Batch normalisation and dropout would tie radiographs together in training mode.
    model = small_cnn(
        layers.BatchNormalization(), layers.GlobalAveragePooling2D(), layers.Dropout(0.5)
    )
    classes = np.array([0, 1, 2, 0, 1])
    whole = grad_cam(model, RADIOGRAPHS, classes, batch_size=5)
    for batch_size in (1, 2):
        parts = grad_cam(model, RADIOGRAPHS, classes, batch_size=batch_size)
        np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_a_sigmoid_speaks_for_one_class_and_against_the_other():
    model = small_cnn(layers.GlobalAveragePooling2D(), n_classes=1, activation="sigmoid")
    coarse = activations_of(model) @ np.asarray(model.layers[-1].kernel)[:, 0]
    for position, sign in ((1, 1), (0, -1)):
        heatmaps = grad_cam(model, RADIOGRAPHS, np.full(5, position))
        np.testing.assert_allclose(heatmaps, finished(sign * coarse), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", PUBLISHED)
def test_every_backbone_is_explained_also_when_it_is_frozen(architecture):
    model = build_calibrated(architecture, input_side=64)
    assert last_convolution(model).name == LAST[architecture]
    radiographs = np.random.default_rng(2).integers(0, 256, (3, 40, 40)).astype(np.uint8)
    weights = model.get_weights()
    of_class = [grad_cam(model, radiographs, np.full(3, k), batch_size=2) for k in range(4)]
    for heatmaps in of_class:
        assert heatmaps.shape == radiographs.shape
        assert heatmaps.dtype == np.float32
        assert heatmaps.min() >= 0
        peaks = heatmaps.max(axis=(1, 2))
        assert np.isin(peaks, [0, 1]).all()
    assert np.ptp(of_class, axis=0).max() > 0.1, "all classes look alike"
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    model.trainable = False
    frozen = grad_cam(model, radiographs, np.zeros(3, int), batch_size=2)
    np.testing.assert_allclose(frozen, of_class[0], atol=1e-5)


def test_a_frozen_classifier_is_explained_as_before():
    model = small_cnn(layers.GlobalAveragePooling2D())
    before = grad_cam(model, RADIOGRAPHS, np.ones(5, int))
    model.trainable = False
    assert before.any()
    np.testing.assert_array_equal(grad_cam(model, RADIOGRAPHS, np.ones(5, int)), before)


@pytest.mark.parametrize("kind", ["Conv2D", "SeparableConv2D", "DepthwiseConv2D"])
def test_the_last_convolution_is_found_under_layers_that_are_none(kind):
    options = {"kernel_size": 3, "name": "wanted"}
    wanted = getattr(layers, kind)(
        **options if kind == "DepthwiseConv2D" else options | {"filters": 2}
    )
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(2, 3),
            wanted,
            layers.Conv2DTranspose(2, 2),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    assert last_convolution(model) is wanted
    assert grad_cam(model, RADIOGRAPHS, np.zeros(5, int)).shape == RADIOGRAPHS.shape


def test_a_convolution_under_a_concatenation_is_explained():
    # As in DenseNet201, whose last convolution only adds channels to those before it.
    radiograph = keras.Input((None, None, 1))
    first = layers.Conv2D(3, 3, padding="same", activation="relu")(radiograph)
    second = layers.Conv2D(2, 3, padding="same", name="grown")(first)
    joined = layers.BatchNormalization()(layers.Concatenate()([first, second]))
    pooled = layers.GlobalAveragePooling2D()(joined)
    model = keras.Model(radiograph, layers.Dense(2, activation="softmax")(pooled))
    weights = np.asarray(model.layers[-1].kernel)[3:, 1]
    heatmaps = grad_cam(model, RADIOGRAPHS, np.ones(5, int))
    np.testing.assert_allclose(heatmaps, finished(activations_of(model) @ weights), atol=1e-5)


def test_a_model_without_a_convolution_is_refused_by_name():
    model = keras.Sequential(
        [keras.Input((SIDE, SIDE, 1)), layers.Flatten(), layers.Dense(2, activation="softmax")],
        name="all_dense",
    )
    with pytest.raises(ValueError, match="'all_dense' has no convolution"):
        grad_cam(model, RADIOGRAPHS, np.zeros(5, int))


@pytest.mark.parametrize(("activation", "units"), [("relu", 3), (None, 3), ("sigmoid", 3)])
def test_another_final_layer_is_refused_by_name(activation, units):
    model = small_cnn(layers.GlobalAveragePooling2D(), activation=activation, n_classes=units)
    with pytest.raises(ValueError, match=r"'probabilities' of model 'small'"):
        grad_cam(model, RADIOGRAPHS, np.zeros(5, int))


@pytest.mark.parametrize("position", [-1, 3])
def test_an_unknown_class_is_refused(position):
    model = small_cnn(layers.GlobalAveragePooling2D())
    with pytest.raises(ValueError, match=r"'small' knows 0 to 2"):
        grad_cam(model, RADIOGRAPHS, np.array([0, 1, 2, 0, position]))


def test_classes_of_other_radiographs_are_refused():
    model = small_cnn(layers.GlobalAveragePooling2D())
    with pytest.raises(ValueError, match="5 radiographs"):
        grad_cam(model, RADIOGRAPHS, np.zeros(4, int))


def test_no_radiographs_have_no_heatmaps():
    model = small_cnn(layers.GlobalAveragePooling2D())
    assert grad_cam(model, RADIOGRAPHS[:0], np.zeros(0, int)).shape == (0, SIDE, SIDE)


def test_another_backend_is_named(monkeypatch):
    model = small_cnn(layers.GlobalAveragePooling2D())
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(NotImplementedError, match="jax"):
        grad_cam(model, RADIOGRAPHS, np.zeros(5, int))
