"""Report B's two architectures."""

from __future__ import annotations

from functools import cache

import keras
import numpy as np
import pytest
import yaml

from covid_xray.models.backbone import WeightsError
from covid_xray.models.grad_cam import grad_cam, last_convolution
from covid_xray.models.screening_classifiers import (
    POOLING,
    build_separable_cnn,
    build_truncated_backbone,
)
from covid_xray.models.settings import SeparableCNNSettings, TruncatedBackboneSettings, UNetSettings
from covid_xray.models.transfer_classifiers import count_trainable_parameters
from covid_xray.models.unet import build_unet
from support.project import ROOT

PUBLISHED_TOTAL, PUBLISHED_TRAINABLE = 678_483, 70_000
RADIOGRAPHS = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)


def base_parameters(pipeline):
    """The published protocol, as the project's configuration has it; run-time values left out."""
    text = (ROOT / f"conf/base/parameters_{pipeline}.yml").read_text("utf-8")
    return yaml.safe_load(text.replace("${runtime_params:seed, ${globals:seed}}", "1"))[pipeline]


@cache
def published_cnn(n_classes=2):
    settings = SeparableCNNSettings(**base_parameters("screening")["cnn"])
    return build_separable_cnn(settings, n_classes=n_classes, input_side=64, seed=1)


@cache  # a second to build; tests that change a model take a seed of their own
def xception(input_side=48, seed=1, weights=None, **changes):
    settings = TruncatedBackboneSettings(**base_parameters("screening")["xception"] | changes)
    return build_truncated_backbone(
        settings, n_classes=2, input_side=input_side, weights=weights, seed=seed
    )


def test_the_cnn_has_doubled_separable_convolutions_of_16_to_128_filters():
    convolutions = [
        layer for layer in published_cnn().layers if isinstance(layer, keras.layers.SeparableConv2D)
    ]
    assert [layer.filters for layer in convolutions] == [16, 16, 32, 32, 64, 64, 128, 128]


def test_the_cnn_has_about_the_published_parameters_alone_and_behind_the_u_net():
    cnn = published_cnn()
    unet = build_unet(UNetSettings(**base_parameters("segmentation")["unet"]), 256)
    assert count_trainable_parameters(cnn) == pytest.approx(PUBLISHED_TRAINABLE, rel=0.03)
    total = cnn.count_params() + unet.count_params()
    assert total == pytest.approx(PUBLISHED_TOTAL, rel=0.03)


def test_xception_is_cut_behind_layer_45_of_the_application():
    model = xception()
    application = keras.applications.Xception(include_top=False, weights=None)
    kept = application.layers[1:46]
    names = [type(layer).__name__ for layer in model.layers]
    start = [layer.name for layer in model.layers].index("preprocessing") + 1
    assert names[start : start + 45] == [type(layer).__name__ for layer in kept]
    assert model.layers[start + 45].name == "head_1"
    weights = [np.prod(w.shape) for layer in kept for w in layer.weights]
    own = [np.prod(w.shape) for layer in model.layers[start : start + 45] for w in layer.weights]
    assert weights == own


def test_the_last_layers_of_the_kept_xception_and_the_head_are_trained():
    model = xception()
    start = [layer.name for layer in model.layers].index("preprocessing") + 1
    assert not any(layer.trainable for layer in model.layers[start : start + 35])
    trained = [layer.name for layer in model.layers[start + 35 :] if layer.trainable_weights]
    block = [f"block5_sepconv{position}" for position in (1, 2, 3)]
    head = ["head_1", "head_1_normalised", "head_2", "head_2_normalised"]
    assert trained == [*block, *head, "head_dense", "probabilities"]


def test_kept_batch_normalisation_stays_in_inference_mode_while_its_block_is_trained():
    model = xception(seed=9)
    kept, new = (model.get_layer(name) for name in ("block5_sepconv3_bn", "head_1_normalised"))
    before = [np.asarray(layer.moving_mean) for layer in (kept, new)]
    model(np.random.default_rng(0).uniform(0, 255, (4, 48, 48, 1)), training=True)
    np.testing.assert_array_equal(kept.moving_mean, before[0])
    assert not np.array_equal(new.moving_mean, before[1])


def test_a_cut_beyond_the_last_layer_is_refused():
    with pytest.raises(WeightsError, match=r"Xception has no layer 500: its last one is 131"):
        xception(cut_layer=500)


def test_more_trainable_layers_than_are_kept_are_refused():
    with pytest.raises(WeightsError, match="trainable_layers is 400"):
        xception(trainable_layers=400)


def test_pretrained_weights_reach_the_kept_layers(imagenet_weights):
    model = xception(weights=imagenet_weights)
    application = keras.applications.Xception(include_top=False, weights=None)
    application.load_weights(imagenet_weights / "xception_notop.weights.h5")
    name = "block5_sepconv3_bn"
    bare = keras.Model(application.inputs, application.get_layer(name).output)
    ours = keras.Model(model.inputs, model.get_layer(name).output)
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 48, 48, 1)).astype(np.float32)
    expected = bare.predict_on_batch(np.repeat(pixels / 127.5 - 1, 3, axis=3))
    np.testing.assert_allclose(ours.predict_on_batch(pixels), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("build", [published_cnn, xception])
def test_classifiers_take_radiographs_of_any_size_and_give_probabilities(build):
    model = build()
    for side in (40, 70):
        pixels = np.random.default_rng(side).uniform(0, 255, (2, side, side, 1))
        probabilities = model.predict_on_batch(pixels.astype(np.float32))
        assert probabilities.shape == (2, 2)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("build", [published_cnn, xception])
def test_grad_cam_explains_them_at_their_last_separable_convolution(build):
    model = build()
    assert last_convolution(model).filters == model.get_layer(POOLING).output.shape[-1]
    heatmaps = grad_cam(model, RADIOGRAPHS, np.array([0, 1, 0]))
    assert heatmaps.shape == RADIOGRAPHS.shape


def test_the_same_seed_builds_the_same_classifier_and_another_one_another():
    one, same = xception(), xception.__wrapped__()
    for first, second in zip(one.weights, same.weights, strict=True):
        np.testing.assert_array_equal(first, second)
    other = xception(seed=5).get_layer("head_1").get_weights()[0]
    assert not np.array_equal(one.get_layer("head_1").get_weights()[0], other)
