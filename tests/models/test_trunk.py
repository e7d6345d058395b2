"""The cut: its halves equal the whole, and their record tells what their activations depend on."""

from functools import cache

import keras
import numpy as np
import pytest

from covid_xray.models.trunk import ActivationError, cut_classifier, trunk_features, trunk_record
from support.transfer import build, build_calibrated, build_tiny

pytestmark = pytest.mark.slow

RADIOGRAPHS = np.random.default_rng(5).integers(0, 256, (6, 40, 40)).astype(np.uint8)


@cache
def calibrated_cut(architecture):
    """For tests that change nothing in it."""
    return cut_classifier(build_calibrated(architecture))


def stream_of(cut, dtype="float32", sizes=(4, 2)):
    batches = np.split(RADIOGRAPHS, np.cumsum(sizes)[:-1])
    return trunk_features(cut, batches, len(RADIOGRAPHS), dtype)


@pytest.mark.parametrize(
    ("architecture", "tensors"),
    [("MobileNet", 1), ("EfficientNetB0", 1), ("ResNet50V2", 2), ("VGG19", 1)],
)
def test_trunk_and_tail_in_turn_equal_the_whole_classifier(architecture, tensors):
    """The cut lies where the report unfroze, and nothing else that is trained is before it."""
    cut = calibrated_cut(architecture)
    assert len(cut.crossing_shapes) == tensors
    assert not cut.trunk.trainable_weights
    trained = {weight.path for weight in cut.tail.trainable_weights}
    assert trained == {weight.path for weight in cut.whole.trainable_weights}
    features = stream_of(cut).collect()
    by_halves = keras.ops.convert_to_numpy(cut.tail(cut.part(features), training=False))
    whole = cut.whole(RADIOGRAPHS[..., None].astype("float32"), training=False)
    np.testing.assert_allclose(by_halves, whole, atol=1e-5)
    assert np.ptp(by_halves, axis=0).max() > 1e-3, "all radiographs look alike to this model"


def test_two_tensors_come_back_as_a_tuple():
    cut = calibrated_cut("ResNet50V2")
    rng = np.random.default_rng(0)
    tensors = [rng.random((3, *shape), dtype=np.float32) for shape in cut.crossing_shapes]
    parted = cut.part(cut.join(tensors))
    assert isinstance(parted, tuple)
    for before, after in zip(tensors, parted, strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_single_tensor_comes_back_alone():
    cut = cut_classifier(build_tiny())
    tensor = np.random.default_rng(0).random((3, *cut.crossing_shapes[0]), dtype=np.float32)
    np.testing.assert_array_equal(cut.part(cut.join([tensor])), tensor)


def test_batches_do_not_change_a_rows_activations():
    cut = cut_classifier(build_tiny())
    alone = [cut.trunk(image[None, ..., None].astype("float32")) for image in RADIOGRAPHS]
    expected = np.stack([np.ravel(*keras.tree.flatten(tensors)) for tensors in alone])
    for sizes in ((6,), (1, 5), (2, 3, 1)):
        stream = stream_of(cut, sizes=sizes)
        assert stream.shape == expected.shape
        np.testing.assert_allclose(stream.collect(), expected, rtol=1e-4, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 1


def test_half_precision_halves_the_disk_at_a_small_error():
    cut = cut_classifier(build_tiny())
    full, half = (stream_of(cut, dtype).collect() for dtype in ("float32", "float16"))
    assert half.nbytes * 2 == full.nbytes
    np.testing.assert_allclose(half, full, rtol=1e-3, atol=1e-3 * np.abs(full).std())
    assert full.std() > 0.01


def test_equal_builds_have_equal_records():
    first = trunk_record(cut_classifier(build("MobileNet")), "float32")
    build_tiny()
    assert trunk_record(cut_classifier(build("MobileNet")), "float32") == first


# The tiny classifier's layers 2 to 4: convolution, normalisation, activation.
def _scaled(model):
    kernel = model.layers[2].kernel
    kernel.assign(np.nextafter(keras.ops.convert_to_numpy(kernel), 9.0))


def _recalibrated(model):
    model.layers[3].moving_mean.assign([0, 0, 0, 1e-6])


CHANGES = {
    "another input side": ({"side": 20}, None, "float32", {"input_side", "cut", "layers"}),
    # The activation's frozen or not: neither weights nor shapes tell.
    "a cut one layer earlier": ({"frozen": 4}, None, "float32", {"layers"}),
    "a cut one layer later": ({"frozen": 6}, None, "float32", {"layers", "weights"}),
    "another seed": ({"seed": 2}, None, "float32", {"weights"}),
    "weights changed in the last bit": ({}, _scaled, "float32", {"weights"}),
    "another calibration": ({}, _recalibrated, "float32", {"weights"}),
    "another type": ({}, None, "float16", {"dtype"}),
    "another head": ({"units": 5}, None, "float32", set()),
    "other classes": ({"n_classes": 2}, None, "float32", set()),
    "a trained tail": ({}, lambda m: m.layers[-1].bias.assign([9] * 4), "float32", set()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_record_tells_what_activations_depend_on(change):
    options, alter, dtype, expected = CHANGES[change]
    before = trunk_record(cut_classifier(build_tiny()), "float32")
    model = build_tiny(**options)
    if alter:
        alter(model)
    after = trunk_record(cut_classifier(model), dtype)
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == expected


def _other_interpolation(model):
    model.get_layer("resizing").interpolation = "nearest"


def _other_preprocessing(model):
    next(layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling)).scale *= 2


@pytest.mark.parametrize("change", [_other_interpolation, _other_preprocessing])
def test_resizing_and_preprocessing_are_in_the_record(change):
    model = build("MobileNet")
    before = trunk_record(cut_classifier(model), "float32")
    change(model)
    after = trunk_record(cut_classifier(model), "float32")
    assert {name for name in before if before[name] != after[name]} == {"layers"}


def test_activations_of_another_keras_are_others(monkeypatch):
    before = trunk_record(cut_classifier(build_tiny()), "float32")
    monkeypatch.setattr(keras, "__version__", "3.0.0")
    after = trunk_record(cut_classifier(build_tiny()), "float32")
    assert {name for name in before if before[name] != after[name]} == {"keras"}


def _with_nan(model):
    bias = model.layers[2].bias
    bias.assign([0, np.nan, 0, 0])


def _huge(model):
    kernel = model.layers[2].kernel
    kernel.assign(kernel * 1e6)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize(("alter", "dtype"), [(_with_nan, "float32"), (_huge, "float16")])
def test_activations_that_are_not_finite_are_refused(alter, dtype):
    model = build_tiny()
    alter(model)
    cut = cut_classifier(model)
    message = rf"trunk of tiny.*not finite {dtype}.*NaN in its weights.*feature_dtype"
    with pytest.raises(ActivationError, match=message):
        stream_of(cut, dtype).collect()


def test_what_overflows_in_half_precision_is_kept_in_single():
    model = build_tiny()
    _huge(model)
    features = stream_of(cut_classifier(model)).collect()
    assert features.max() > np.finfo(np.float16).max
