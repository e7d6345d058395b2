import keras
import numpy as np
import pytest

from covid_xray.models.trunk import cut_classifier, gather_rows, trunk_features
from support.transfer import PUBLISHED, build_calibrated

RADIOGRAPHS = np.random.default_rng(5).integers(0, 256, (6, 40, 40)).astype(np.uint8)


@pytest.mark.parametrize("architecture", PUBLISHED)
def test_trunk_and_tail_in_turn_equal_the_whole_classifier(architecture):
    cut = cut_classifier(build_calibrated(architecture))
    everything = np.arange(len(RADIOGRAPHS))
    features = trunk_features(
        cut,
        RADIOGRAPHS,
        RADIOGRAPHS,
        np.zeros(len(RADIOGRAPHS), dtype=bool),
        everything,
        batch_size=4,
        dtype="float32",
    ).collect()
    by_halves = keras.ops.convert_to_numpy(cut.tail(cut.part(features), training=False))
    whole = cut.whole(RADIOGRAPHS[..., None].astype("float32"), training=False)
    np.testing.assert_allclose(by_halves, whole, atol=1e-5)
    assert np.ptp(by_halves, axis=0).max() > 1e-3, "all radiographs look alike to this model"


@pytest.mark.parametrize(
    ("architecture", "tensors"),
    [("MobileNet", 1), ("EfficientNetB0", 1), ("ResNet50V2", 2), ("VGG19", 1)],
)
def test_the_cut_lies_where_the_report_unfroze(architecture, tensors):
    cut = cut_classifier(build_calibrated(architecture))
    assert len(cut.crossing_shapes) == tensors
    assert not cut.trunk.trainable_weights
    trained = {weight.path for weight in cut.tail.trainable_weights}
    assert trained == {weight.path for weight in cut.whole.trainable_weights}


def test_tensors_come_back_from_their_joined_rows():
    cut = cut_classifier(build_calibrated("ResNet50V2"))
    rng = np.random.default_rng(0)
    tensors = [rng.random((3, *shape), dtype=np.float32) for shape in cut.crossing_shapes]
    for before, after in zip(tensors, cut.part(cut.join(tensors)), strict=True):
        np.testing.assert_array_equal(before, after)


def test_rows_are_gathered_from_both_arrays_in_order():
    images, augmented = np.zeros((3, 2, 2), np.uint8), np.zeros((2, 2, 2), np.uint8)
    images += np.arange(3, dtype=np.uint8)[:, None, None]
    augmented += np.arange(10, 12, dtype=np.uint8)[:, None, None]
    is_augmented = np.array([False, True, False, True])
    gathered = gather_rows(images, augmented, is_augmented, np.array([2, 1, 0, 0]))
    assert gathered[:, 0, 0].tolist() == [2, 11, 0, 10]


def test_half_precision_halves_the_disk_at_a_small_error():
    cut = cut_classifier(build_calibrated("MobileNet"))
    none = np.zeros(len(RADIOGRAPHS), dtype=bool)
    rows = np.arange(len(RADIOGRAPHS))
    arguments = (cut, RADIOGRAPHS, RADIOGRAPHS, none, rows)
    full = trunk_features(*arguments, batch_size=6, dtype="float32").collect()
    half = trunk_features(*arguments, batch_size=6, dtype="float16").collect()
    assert half.nbytes * 2 == full.nbytes
    np.testing.assert_allclose(half, full, rtol=1e-3, atol=1e-3 * np.abs(full).std())
    assert full.std() > 0.01
