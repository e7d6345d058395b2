"""Lung extraction in a Keras graph: bit for bit what the functions on arrays do."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from covid_xray.imaging.augmentation import Augmentation
from covid_xray.imaging.equalisation import EqualisationSettings, equalise
from covid_xray.imaging.lung_masks import clean_lung_mask, count_components
from covid_xray.models.lung_extraction import (
    CleanLungMask,
    Equalisation,
    build_lung_extractor,
    build_screening_model,
)
from covid_xray.models.settings import UNetSettings
from covid_xray.models.unet import build_unet, predict_masks
from covid_xray.phantom.drawing import draw_radiograph
from support.transfer import build_tiny

SEEDS = st.integers(0, 2**32 - 1)
SIDE = 64
GLOBAL = EqualisationSettings(method="global")
CLAHE = EqualisationSettings(method="clahe")
NONE = EqualisationSettings(method="none")
UNET = UNetSettings(
    filters=[4, 8],
    learning_rate=1e-2,
    batch_size=4,
    epochs=1,
    patience=1,
    augmentation=Augmentation(),
    seed=3,
)


def as_input(pixels):
    return pixels[..., None].astype("float32")


def run(layer, pixels):
    """What a layer makes of pixels (n, height, width), outside any model."""
    made = keras.ops.convert_to_numpy(layer(as_input(pixels)))
    assert (made.dtype, made.shape) == (np.float32, (*pixels.shape, 1))
    return made[..., 0]


def draw(side, label="Normal", seed=0):
    """A phantom radiograph."""
    radiograph, _ = draw_radiograph(label, np.random.default_rng(seed), side)
    return radiograph


def clean_one_by_one(masks):
    return np.stack([clean_lung_mask(mask) for mask in masks])


@st.composite
def batches_of_masks(draw):
    """Random masks of one size, from a few dots to nearly full ones, with smooth blobs among."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)))
    noise = np.random.default_rng(draw(SEEDS)).random(shape)
    smooth = [ndimage.uniform_filter(one, draw(st.integers(1, 5))) for one in noise]
    return np.stack([(one < draw(st.floats(0, 1))).astype(np.uint8) for one in smooth])


def spiral(side, pitch):
    """One arm, a pixel wide, `pitch` pixels from turn to turn: the longest way through a mask."""
    mask = np.zeros((side, side), np.uint8)
    y, x, dy, dx = 0, 0, 0, 1
    mask[y, x] = 1
    for step in range(2 * side // pitch):
        length = side - 1 - pitch * max((step - 1) // 2, 0)
        for _ in range(length):
            y, x = y + dy, x + dx
            mask[y, x] = 1
        dy, dx = dx, -dy
    return mask


def snake(side):
    """Every other row, joined at the right and at the left in turn."""
    mask = np.zeros((side, side), np.uint8)
    mask[::2] = 1
    mask[1::4, -1] = mask[3::4, 0] = 1
    return mask


def draw_mask(*rows):
    return np.array([[pixel == "#" for pixel in row] for row in rows], np.uint8)


def lungs(side, seed=0):
    """Two lungs, ragged, with holes in them and dots around."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    wave = 0.02 * np.sin(40 * y + seed)
    left, right = (
        ((y - 0.5) / 0.36) ** 2 + ((x - centre + wave) / 0.15) ** 2 < 1 for centre in (0.28, 0.72)
    )
    noise = ndimage.gaussian_filter(rng.normal(size=(side, side)), 1.5)
    return ((left | right) ^ (np.abs(noise) > 0.4)).astype(np.uint8)


def test_the_pictures_of_this_file_are_what_they_are_called():
    for mask in (spiral(37, 2), spiral(37, 4), snake(37)):
        assert count_components(mask) == 1
        assert 300 < mask.sum() < 37 * 37 * 0.6
    assert count_components(lungs(256)) > 20


@given(batches_of_masks())
@settings(deadline=None, max_examples=25)
def test_random_masks_are_cleaned_as_arrays_are(masks):
    np.testing.assert_array_equal(run(CleanLungMask(), masks), clean_one_by_one(masks))


@given(SEEDS, st.integers(2, 7), st.integers(2, 7))
@settings(deadline=None, max_examples=8)
def test_among_many_components_of_equal_areas_the_same_two_are_kept(seed, height, width):
    masks = np.random.default_rng(seed).random((40, height, width)) < 0.35
    masks = masks.astype(np.uint8)
    np.testing.assert_array_equal(run(CleanLungMask(), masks), clean_one_by_one(masks))


def test_of_equal_components_those_further_up_then_further_left_are_kept():
    masks = np.stack([draw_mask("......##", "##.##..."), draw_mask("##.##.##", "........")])
    kept = np.stack([draw_mask("......##", "##......"), draw_mask("##.##...", "........")])
    np.testing.assert_array_equal(run(CleanLungMask(), masks), kept)


def test_further_left_is_the_component_that_reaches_there_and_not_the_one_that_starts_there():
    mask = draw_mask(*[".###.###.#"] * 5, ".........#", "#########.")
    kept = draw_mask(*[".###.....#"] * 5, ".........#", "#########.")
    np.testing.assert_array_equal(clean_lung_mask(mask), kept)
    np.testing.assert_array_equal(run(CleanLungMask(), mask[None]), kept[None])


def test_long_and_winding_masks_and_their_negatives_are_cleaned_as_arrays_are():
    masks = [spiral(45, 2), spiral(45, 3), spiral(45, 5), snake(45), np.eye(45, dtype=np.uint8)]
    masks += [1 - mask for mask in masks] + [mask[::-1, ::-1] for mask in masks]
    # A closed arm makes a hole of the space between its turns.
    closed = spiral(45, 3)
    closed[0:4, 0] = 1
    masks = np.stack([*masks, closed, closed.T])
    np.testing.assert_array_equal(run(CleanLungMask(), masks), clean_one_by_one(masks))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 7)])
def test_empty_and_full_masks_stay_as_they_are(shape):
    masks = np.stack([np.zeros(shape, np.uint8), np.ones(shape, np.uint8)])
    np.testing.assert_array_equal(run(CleanLungMask(), masks), masks)


def test_a_mask_is_lung_where_its_probability_is_above_one_half():
    half = np.float32(0.5)
    probabilities = np.array([[[[0.0], [half], [np.nextafter(half, np.float32(1))], [1.0]]]])
    cleaned = CleanLungMask()(probabilities.astype(np.float32))
    assert keras.ops.convert_to_numpy(cleaned).ravel().tolist() == [0, 0, 1, 1]


def in_a_model(layer, side):
    """A model of one layer, which Keras runs as a graph for batches of unknown size."""
    picture = keras.Input((side, side, 1))
    return keras.Model(picture, layer(picture))


def test_masks_of_the_studys_size_are_cleaned_as_arrays_are_whatever_the_batch():
    masks = np.stack([lungs(256), spiral(256, 2), 1 - lungs(256, seed=1)])
    model = in_a_model(CleanLungMask(), 256)
    # Two of them, then one.
    made = model.predict(as_input(masks), batch_size=2, verbose=0)
    np.testing.assert_array_equal(made[..., 0], clean_one_by_one(masks))


def greys(seed, shape, spread):
    """Noise around a grey of each picture's own, `spread` wide, cut off at black and white."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 256, (shape[0], 1, 1))
    return np.clip(centres + rng.normal(0, spread, shape), 0, 255).astype(np.uint8)


SPREADS = st.sampled_from([0, 1, 10, 60, 500])


@given(SEEDS, st.tuples(st.integers(1, 4), st.integers(1, 48), st.integers(1, 48)), SPREADS)
@settings(deadline=None, max_examples=50)
def test_global_equalisation_is_that_of_arrays(seed, shape, spread):
    pixels = greys(seed, shape, spread)
    np.testing.assert_array_equal(run(Equalisation("global"), pixels), equalise(pixels, GLOBAL))


@given(
    SEEDS,
    st.integers(1, 5),
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    SPREADS,
    st.sampled_from([0.01, 1.0, 2.0, 3.7, 40.0, 1e6]),
)
@settings(deadline=None, max_examples=60)
def test_clahe_is_that_of_arrays(seed, tiles, shape, spread, clip_limit):
    # Most tiles have sides that no power of two divides, where float32 rounds.
    n, height, width = shape
    pixels = greys(seed, (n, height * tiles, width * tiles), spread)
    how = EqualisationSettings(method="clahe", clip_limit=clip_limit, tiles=tiles)
    made = run(Equalisation("clahe", clip_limit=clip_limit, tiles=tiles), pixels)
    np.testing.assert_array_equal(made, equalise(pixels, how))


@pytest.mark.parametrize(("how", "side"), [(GLOBAL, 256), (CLAHE, 256), (CLAHE, 232)])
def test_radiographs_of_the_studys_size_are_equalised_as_arrays_are_whatever_the_batch(how, side):
    pixels = np.stack([*greys(1, (2, side, side), 40), draw(side)])
    model = in_a_model(Equalisation(**how.model_dump()), side)
    # Two of them, then one.
    made = model.predict(as_input(pixels), batch_size=2, verbose=0)
    np.testing.assert_array_equal(made[..., 0], equalise(pixels, how))


def test_pixels_between_two_greys_and_beyond_them_are_rounded_first():
    between = np.array([[-3.0, 0.4], [0.5, 1.5], [2.5, 254.6], [255.4, 300.0]], np.float32)
    whole = np.array([[0, 0], [0, 2], [2, 255], [255, 255]], np.float32)
    layer = Equalisation("global")
    np.testing.assert_array_equal(layer(between[None, ..., None]), layer(whole[None, ..., None]))


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (CleanLungMask(), (None, None, 1), "has no size"),
        (Equalisation("global"), (8, None, 1), "has no size"),
        (Equalisation("clahe"), (16, 12, 1), "8 tiles a side do not divide"),
    ],
)
def test_sizes_that_no_layer_can_be_built_for_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(keras.Input(shape))


@pytest.mark.parametrize("wrong", [{"method": "none"}, {"method": "local"}, {"tiles": 0}])
def test_settings_that_mean_nothing_to_the_layer_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Equalisation(**({"method": "clahe"} | wrong))


RADIOGRAPHS = np.stack([draw(SIDE, label, seed) for seed, label in enumerate(["COVID", "Normal"])])


@pytest.fixture(scope="module")
def unet():
    return build_unet(UNET, SIDE)


@pytest.fixture(scope="module")
def unet_masks(unet):
    ((masks, _),) = predict_masks(unet, RADIOGRAPHS, np.arange(2), batch_size=2)
    assert 0 < masks.mean() < 1
    return masks


@pytest.mark.parametrize("how", [GLOBAL, CLAHE, NONE], ids=lambda how: how.method)
def test_the_extractor_leaves_the_equalised_lungs_of_the_unets_mask(unet, unet_masks, how):
    extractor = build_lung_extractor(unet, how)
    assert extractor.name == "lung_extractor"
    assert extractor.input_shape == extractor.output_shape == (None, SIDE, SIDE, 1)
    both = [extractor.get_layer(name).output for name in ("lung_mask", "lungs_only")]
    inside = keras.Model(extractor.inputs[0], both)
    masks, lungs_only = inside.predict(as_input(RADIOGRAPHS), verbose=0)
    np.testing.assert_array_equal(masks[..., 0], unet_masks)
    np.testing.assert_array_equal(lungs_only[..., 0], unet_masks * equalise(RADIOGRAPHS, how))
    assert extractor.outputs[0] is both[1]


def test_the_unet_given_stays_as_it_is_and_the_extractors_own_never_learns(unet):
    trainable = [layer.trainable for layer in unet._flatten_layers()]
    weights = unet.get_weights()
    classifier = build_tiny(frozen=0)
    screening = build_screening_model(classifier, build_lung_extractor(unet, GLOBAL))
    learning = {id(weight) for weight in screening.trainable_weights}
    assert learning == {id(weight) for weight in classifier.trainable_weights}
    extractor = screening.get_layer("lung_extractor")
    # As in a training: batch statistics would change both the masks and the U-Net's weights.
    radiographs = as_input(RADIOGRAPHS)
    made, expected = (extractor(radiographs, training=training) for training in (True, False))
    np.testing.assert_array_equal(made, expected)
    for own, original in zip(extractor.get_layer("unet").get_weights(), weights, strict=True):
        np.testing.assert_array_equal(own, original)
    extractor.get_layer("unet").set_weights([weight + 1 for weight in weights])
    for now, then in zip(unet.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, then)
    assert [layer.trainable for layer in unet._flatten_layers()] == trainable


def test_the_screening_model_is_the_classifier_behind_the_extractor(unet, unet_masks):
    classifier = build_tiny()
    screening = build_screening_model(classifier, build_lung_extractor(unet, CLAHE))
    assert screening.name == "tiny_screening"
    assert screening.input_shape == (None, SIDE, SIDE, 1)
    assert screening.get_layer("tiny") is classifier
    extracted = as_input(unet_masks * equalise(RADIOGRAPHS, CLAHE))
    np.testing.assert_allclose(
        screening(as_input(RADIOGRAPHS), training=False),
        classifier(extracted, training=False),
        atol=1e-6,
    )


LOAD = """
import sys
import keras
import numpy as np
import covid_xray.models.lung_extraction
model = keras.saving.load_model(sys.argv[1], safe_mode=True)
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [GLOBAL, CLAHE], ids=lambda how: how.method)
def test_a_saved_model_gives_the_same_in_a_fresh_process(tmp_path, unet, how):
    model = build_screening_model(build_tiny(), build_lung_extractor(unet, how))
    paths = [str(tmp_path / name) for name in ("model.keras", "radiographs.npy", "made.npy")]
    model.save(paths[0])
    np.save(paths[1], as_input(RADIOGRAPHS))
    subprocess.run([sys.executable, "-c", LOAD, *paths], check=True)
    expected = model.predict(as_input(RADIOGRAPHS), verbose=0)
    np.testing.assert_array_equal(np.load(paths[2]), expected)
