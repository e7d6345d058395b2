"""Augmented pairs: what Keras's layers do, and a lung mask that stays on the lungs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from covid_xray.imaging.augmentation import (
    Augmentation,
    Moves,
    augment_pair,
    augment_radiographs,
    draw_moves,
    move_pair,
)

SIDE = 64
# A smooth picture: interpolation of white noise would look like a loss of contrast.
SMOOTH = (
    128 + 60 * np.sin(np.linspace(0, 5, SIDE))[:, None] * np.cos(np.linspace(0, 4, SIDE))
).astype(np.uint8)
IMAGES = np.stack([SMOOTH, SMOOTH[::-1], SMOOTH.T])
MASKS = (IMAGES > 150).astype(np.uint8)
MASKS[2] = 0  # a radiograph without a lung mask
NO_MASK = np.zeros_like(SMOOTH)
FACTOR = 0.1
REPORT = Augmentation.of_report(4, FACTOR)
STILL = Augmentation()
UNET = Augmentation(rotation=10, zoom=0.1, shift=0.05, gamma=0.3, flip=True)

ONE_SEED = st.integers(0, 2**32 - 1)
SEEDS = st.one_of(ONE_SEED, st.lists(ONE_SEED, min_size=1, max_size=3))
SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))
MOVING = {
    "rotation": st.floats(0, 180),
    "zoom": st.floats(0, 0.3),
    "shift": st.floats(0, 0.1),
    "flip": st.booleans(),
    "border": st.sampled_from(["black", "reflect"]),
}
GREY = {
    "gamma": st.floats(0, 2),
    "contrast": st.floats(0, 1),
    "brightness": st.floats(0, 1),
}
ANY = st.builds(Augmentation, **MOVING, **GREY)


def disc(shape, centre, radius):
    """0/1 mask of the pixels within a radius of a centre (y, x)."""
    y, x = np.indices(shape)
    return ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2).astype(np.uint8)


def centroid(mask):
    """Mean place (y, x) of the pixels of a mask."""
    return np.argwhere(mask).mean(axis=0)


def noise_pair(shape, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return pixels, (pixels > 100).astype(np.uint8)


def moved(pixels, border="reflect", **moves):
    """The radiograph alone after some moves."""
    return move_pair(pixels, np.zeros_like(pixels), Moves(**moves), border)[0]


def drawn(name, augmentation, n_seeds=2000):
    """What one seed after another draws of one move."""
    return np.array([getattr(draw_moves(augmentation, seed), name) for seed in range(n_seeds)])


# Keras's own layers.


def keras_layer(name, factor):
    import keras

    moving = name in ("RandomZoom", "RandomRotation")
    how = {"fill_mode": "reflect"} if moving else {"value_range": (0, 255)}
    return getattr(keras.layers, name)(factor, **how)


def keras_draws(name, factor, pixels, seed=3):
    batch = pixels[..., None].astype("float32")
    return keras_layer(name, factor).get_random_transformation(batch, training=True, seed=seed)


def by_keras(pixels, *layers):
    """What Keras makes of a radiograph with some (layer, factor, drawn), one after another."""
    image = pixels[None, :, :, None].astype("float32")
    for name, draw in layers:
        image = keras_layer(name, FACTOR).transform_images(image, draw, training=True)
    return np.array(image)[0, :, :, 0]


def zoomed(share):
    return "RandomZoom", {"height_zoom": np.array([[share]]), "width_zoom": np.array([[share]])}


def turned(degrees, pixels=SMOOTH):
    share = degrees / 360
    return "RandomRotation", keras_draws("RandomRotation", (share, share), pixels[None])


@pytest.mark.parametrize(
    ("name", "key", "ours", "scale"),
    [
        ("RandomZoom", "height_zoom", "seen", 1),
        ("RandomRotation", "angle", "angle", 1),
        ("RandomContrast", "contrast_factor", "contrast", 1),
        ("RandomBrightness", "rgb_delta", "brightness", 255),
    ],
)
@pytest.mark.parametrize("factor", [0.05, 0.3])
def test_draws_are_distributed_as_in_keras(name, key, ours, scale, factor):
    many = np.zeros((4000, 1, 1), np.uint8)
    theirs = np.array(keras_draws(name, factor, many)[key]).ravel()
    mine = drawn(ours, Augmentation.of_report(4, factor), 4000) * scale
    assert ks_2samp(mine, theirs).pvalue > 0.001
    width = float(np.ptp(theirs))
    assert mine.min() == pytest.approx(theirs.min(), abs=0.005 * width)
    assert mine.max() == pytest.approx(theirs.max(), abs=0.005 * width)


def test_keras_draws_height_and_width_zoom_together():
    draws = keras_draws("RandomZoom", FACTOR, IMAGES)
    np.testing.assert_array_equal(draws["height_zoom"], draws["width_zoom"])


@pytest.mark.parametrize("shape", [(64, 64), (64, 48)])
@pytest.mark.parametrize("share", [0.7, 0.9, 1.0, 1.1, 1.3])
def test_zoom_is_that_of_keras_up_to_the_border(share, shape):
    pixels = SMOOTH[: shape[0], : shape[1]]
    theirs = by_keras(pixels, zoomed(share))
    np.testing.assert_allclose(moved(pixels, seen=share), theirs, atol=1)


@pytest.mark.parametrize("shape", [(64, 64), (64, 48)])
@pytest.mark.parametrize("angle", [-36, -5, 0, 20, 36])
def test_rotation_is_that_of_keras_up_to_the_border(angle, shape):
    pixels = SMOOTH[: shape[0], : shape[1]]
    theirs = by_keras(pixels, turned(angle, pixels))
    np.testing.assert_allclose(moved(pixels, angle=angle), theirs, atol=1)


@pytest.mark.parametrize("share", [0.9, 1.1])
@pytest.mark.parametrize("angle", [-36, 36])
def test_one_matrix_is_keras_zoom_then_rotation(share, angle):
    theirs = by_keras(SMOOTH, zoomed(share), turned(angle))
    ours = moved(SMOOTH, seen=share, angle=angle)
    # Only within the circle that a rotation never leaves does Keras see no mirrored border twice.
    inside = disc(SMOOTH.shape, (31.5, 31.5), 28) == 1
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=1.5)


@pytest.mark.parametrize("contrast", [0.0, 0.7, 1.3, 2.0])
@pytest.mark.parametrize("brightness", [-0.4, 0.0, 0.4])
def test_contrast_then_brightness_are_those_of_keras(contrast, brightness):
    pixels, _ = noise_pair((SIDE, SIDE))
    theirs = by_keras(
        pixels,
        ("RandomContrast", {"contrast_factor": np.full((1, 1, 1, 1), contrast, "float32")}),
        ("RandomBrightness", {"rgb_delta": np.full((1, 1, 1, 1), 255 * brightness, "float32")}),
    )
    ours = moved(pixels, contrast=contrast, brightness=brightness)
    np.testing.assert_allclose(ours, theirs, atol=0.51)


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
def test_layers_come_in_the_reports_order(n_layers):
    with_all = draw_moves(REPORT, 4)
    of_layers = draw_moves(Augmentation.of_report(n_layers, FACTOR), 4)
    names = ["seen", "angle", "contrast", "brightness"]
    alike = [getattr(of_layers, name) == getattr(with_all, name) for name in names]
    assert alike == [True] * n_layers + [False] * (4 - n_layers)
    still = Moves()
    assert all(getattr(of_layers, name) == getattr(still, name) for name in names[n_layers:])


def test_the_report_never_mirrors_or_shifts():
    moves = [draw_moves(REPORT, seed) for seed in range(50)]
    assert all(m.shift == (0, 0) and not m.mirrored and m.exponent == 1 for m in moves)


# Radiograph and mask.


@given(SEEDS, st.builds(Augmentation, **MOVING), SHAPES)
@settings(deadline=None, max_examples=150)
def test_mask_moves_as_its_radiograph_to_the_pixel(seed, augmentation, shape):
    mask = noise_pair(shape)[1]
    pixels, moved_mask = augment_pair(mask * np.uint8(255), mask, seed, augmentation)
    # The nearest of the four pixels that a grey level is made of has a quarter of the weight, so
    # one that is nearer to black, or to white, than that says what the mask must be.
    assert not moved_mask[pixels < 60].any()
    assert moved_mask[pixels > 195].all()


@pytest.mark.parametrize("border", ["black", "reflect"])
def test_a_radiograph_of_its_mask_gives_the_moved_mask(border):
    lungs = disc((128, 128), (60, 40), 25) | disc((128, 128), (60, 95), 22)
    for seed in range(20):
        augmentation = UNET.model_copy(update={"border": border, "gamma": 0})
        pixels, mask = augment_pair(lungs * np.uint8(255), lungs, seed, augmentation)
        outline = (pixels > 0) & (pixels < 255)
        np.testing.assert_array_equal((pixels >= 128)[~outline], mask[~outline] == 1)
        assert ((pixels >= 128) != mask)[outline].mean() < 0.2


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
def test_mask_follows_every_layer_of_the_report(n_layers):
    lungs = np.zeros((SIDE, SIDE), np.uint8)
    lungs[10:40, 8:26] = lungs[14:44, 36:56] = 1
    shares_moved = []
    for seed in range(5):
        augmentation = Augmentation.of_report(n_layers, FACTOR)
        pixels, mask = augment_pair(lungs * np.uint8(200), lungs, seed, augmentation)
        bright = pixels > (int(pixels.min()) + int(pixels.max())) / 2
        assert (bright == mask).mean() > 0.99
        shares_moved.append((mask != lungs).mean())
    assert max(shares_moved) > 0.05


def test_no_mask_stays_no_mask():
    assert not augment_pair(IMAGES[2], MASKS[2], 3, REPORT)[1].any()


@given(SEEDS, ANY)
@settings(deadline=None, max_examples=60)
def test_grey_levels_leave_the_mask_alone(seed, augmentation):
    plain = augmentation.model_copy(update=dict.fromkeys(GREY, 0))
    masks = [augment_pair(SMOOTH, MASKS[0], seed, of)[1] for of in (augmentation, plain)]
    np.testing.assert_array_equal(*masks)


# What always holds.


@given(SEEDS, ANY, SHAPES)
@settings(deadline=None, max_examples=100)
def test_same_seed_same_bytes_and_a_mask_stays_a_mask(seed, augmentation, shape):
    pair = noise_pair(shape)
    originals = [array.copy() for array in pair]
    first, second = (augment_pair(*pair, seed, augmentation) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.tobytes() == other.tobytes()
        assert one.dtype == np.uint8
        assert one.shape == shape
    assert set(np.unique(first[1])) <= {0, 1}
    np.testing.assert_array_equal(pair, originals)


@given(SEEDS, SHAPES, st.sampled_from(["black", "reflect"]))
@settings(deadline=None, max_examples=50)
def test_without_amplitudes_nothing_changes(seed, shape, border):
    pair = noise_pair(shape)
    np.testing.assert_array_equal(augment_pair(*pair, seed, Augmentation(border=border)), pair)


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
def test_a_factor_of_0_changes_nothing(n_layers):
    pair = noise_pair((30, 20))
    augmented = augment_pair(*pair, 5, Augmentation.of_report(n_layers, 0))
    np.testing.assert_array_equal(augmented, pair)


@pytest.mark.parametrize("augmentation", [REPORT, UNET])
def test_other_seeds_give_other_pairs(augmentation):
    pair = noise_pair((30, 30))
    seeds = [0, 1, 2, (0, 1), (1, 1), (2, 1), (1, 2), (0, 1, 2)]
    results = {augment_pair(*pair, seed, augmentation)[0].tobytes() for seed in seeds}
    assert len(results) == len(seeds)


@pytest.mark.parametrize("name", ["zoom", "rotation", "shift", "gamma", "contrast", "brightness"])
def test_one_amplitude_leaves_the_draws_of_the_others(name):
    every = Augmentation(
        rotation=20, zoom=0.2, shift=0.1, gamma=1, contrast=0.5, brightness=0.2, flip=True
    )
    with_all = draw_moves(every, 9)
    without = draw_moves(every.model_copy(update={name: 0}), 9)
    changed = [key for key, value in vars(with_all).items() if vars(without)[key] != value]
    own = {"zoom": "seen", "rotation": "angle", "gamma": "exponent"}.get(name, name)
    assert changed == [own]


def test_contrast_only_ever_grows_as_in_keras():
    """Keras's single factor means 0 to factor here, whatever its documentation says."""
    assert keras_layer("RandomContrast", FACTOR).factor == (0, FACTOR)
    assert drawn("contrast", REPORT, 200).min() >= 1


def test_a_larger_factor_moves_further():
    def distance(factor):
        augmentation = Augmentation.of_report(3, factor)
        pictures = [augment_pair(SMOOTH, NO_MASK, seed, augmentation)[0] for seed in range(12)]
        return np.abs(np.array(pictures, float) - SMOOTH).mean()

    assert distance(0.01) < distance(0.1) < distance(0.3)


# The U-Net's moves.


def test_unet_moves_use_all_of_their_amplitudes():
    amplitudes = Augmentation(rotation=20, zoom=0.2, shift=0.1, gamma=1)
    seen, angle, exponent = (drawn(name, amplitudes) for name in ("seen", "angle", "exponent"))
    right, down = drawn("shift", amplitudes).T
    values = (seen - 1, 0.2), (angle, 20), (right, 0.1), (down, 0.1), (np.log2(exponent), 1)
    for of_move, most in values:
        assert np.abs(of_move).max() <= most
        assert of_move.min() < -0.99 * most
        assert of_move.max() > 0.99 * most
        assert of_move.mean() == pytest.approx(0, abs=0.06 * most)


def test_half_of_the_pairs_are_mirrored():
    assert drawn("mirrored", Augmentation(flip=True)).mean() == pytest.approx(0.5, abs=0.05)


@given(SHAPES)
@settings(deadline=None, max_examples=30)
def test_mirrored_is_left_to_right(shape):
    pixels, mask = noise_pair(shape)
    mirrored = move_pair(pixels, mask, Moves(mirrored=True), "black")
    np.testing.assert_array_equal(mirrored, (pixels[:, ::-1], mask[:, ::-1]))


def test_a_mirrored_pair_turns_the_same_way():
    pixels, _ = noise_pair((41, 41))
    both = moved(pixels, mirrored=True, angle=30, seen=0.9)
    np.testing.assert_array_equal(both, moved(pixels[:, ::-1].copy(), angle=30, seen=0.9))


def test_a_shift_is_a_share_of_its_own_side():
    pixels = disc((200, 50), (100, 25), 8)
    down = move_pair(pixels, pixels, Moves(shift=(0, 0.2)), "black")[1]
    right = move_pair(pixels, pixels, Moves(shift=(0.2, 0)), "black")[1]
    assert centroid(down) == pytest.approx((140, 25))
    assert centroid(right) == pytest.approx((100, 35))


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=60)
def test_the_mirrored_border_has_only_grey_levels_of_the_picture(seed, shape):
    pixels, mask = np.full(shape, 90, np.uint8), np.ones(shape, np.uint8)
    far = Augmentation(rotation=180, zoom=0.9, shift=1, flip=True, border="reflect")
    np.testing.assert_array_equal(augment_pair(pixels, mask, seed, far), (pixels, mask))


@pytest.mark.parametrize("shape", [(61, 61), (60, 60), (41, 70)])
def test_the_centre_stays_without_a_shift(shape):
    centre = np.subtract(shape, 1) / 2
    mask = disc(shape, centre, 12)
    turning = Augmentation(rotation=180, zoom=0.3, flip=True)
    for seed in range(20):
        pixels, moved_mask = augment_pair(mask * np.uint8(255), mask, seed, turning)
        assert centroid(pixels >= 128) == pytest.approx(centre, abs=0.1)
        assert centroid(moved_mask) == pytest.approx(centre, abs=0.1)


def test_zoom_in_makes_things_larger():
    mask = disc((80, 80), (39.5, 39.5), 15)
    areas = [move_pair(mask, mask, Moves(seen=s), "black")[1].sum() for s in (0.8, 1, 1.25)]
    assert areas[0] / areas[1] == pytest.approx(1 / 0.64, rel=0.03)
    assert areas[2] / areas[1] == pytest.approx(0.64, rel=0.03)


def test_a_mask_takes_the_nearest_pixel_of_its_source():
    mask = np.zeros((40, 40), np.uint8)
    mask[20, 20] = 1
    # Four times as large: every pixel whose source lies within half a pixel of the lung's.
    moved = move_pair(mask, mask, Moves(seen=0.25), "black")[1]
    rows, columns = np.indices(mask.shape)
    source = 19.5 + 0.25 * (np.stack([rows, columns]) - 19.5)
    np.testing.assert_array_equal(moved, (np.abs(source - 20) < 0.5).all(axis=0))


def test_a_black_border_is_no_lung():
    pixels, mask = np.full((40, 40), 200, np.uint8), np.ones((40, 40), np.uint8)
    turned_pixels, turned_mask = move_pair(pixels, mask, Moves(angle=45), "black")
    assert turned_pixels[0, 0] == turned_mask[0, 0] == 0
    assert turned_pixels[20, 20] == 200
    assert turned_mask[20, 20] == 1


@pytest.mark.parametrize("exponent", [0.4, 1, 2.5])
def test_gamma_keeps_black_and_white(exponent):
    levels = moved(np.arange(256, dtype=np.uint8).reshape(16, 16), exponent=exponent).ravel()
    assert (levels[0], levels[255]) == (0, 255)
    assert levels == pytest.approx(255 * (np.arange(256) / 255) ** exponent, abs=0.51)


# Many rows.

SOURCES, ROW_SEEDS = np.arange(70) % 3, np.arange(70) * 7 + 3


def many(order, workers=None):
    sources, seeds = SOURCES[order].tolist(), ROW_SEEDS[order].tolist()
    return augment_radiographs(IMAGES, MASKS, sources, seeds, REPORT, workers=workers)


@pytest.mark.parametrize("workers", [None, 1, 2, 5])
def test_rows_depend_on_source_and_seed_alone(workers):
    """Not on the threads, the order or the other rows."""
    one_by_one = [
        augment_pair(IMAGES[source], MASKS[source], int(seed), REPORT)
        for source, seed in zip(SOURCES, ROW_SEEDS, strict=True)
    ]
    expected = np.stack(one_by_one, axis=1)
    np.testing.assert_array_equal(many(np.arange(70), workers), expected)
    shuffled = np.random.default_rng(1).permutation(70)[:50]
    np.testing.assert_array_equal(many(shuffled, workers), expected[:, shuffled])


def test_no_rows_give_no_rows():
    made = augment_radiographs(IMAGES, MASKS, [], [], REPORT)
    assert [array.shape for array in made] == [(0, SIDE, SIDE)] * 2


def test_opencv_keeps_its_number_of_threads():
    import cv2

    before = cv2.getNumThreads()
    many(np.arange(3))
    assert cv2.getNumThreads() == before


# Wrong input.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rotation", -1), ("zoom", 1), ("zoom", -0.1), ("shift", -0.1), ("shift", 1.1),
        ("gamma", float("nan")), ("gamma", float("inf")), ("contrast", 1.1), ("brightness", 2),
        ("border", "white"), ("turn", 1),
    ],
)  # fmt: skip
def test_a_senseless_setting_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        Augmentation(**{name: value})


@pytest.mark.parametrize(
    ("n_layers", "factor", "named"),
    [(0, 0.1, "n_layers is 0"), (5, 0.1, "n_layers is 5"), (2, 1, "factor is 1"),
     (2, -0.1, "factor is -0.1"), (2, float("nan"), "factor is nan")],
)  # fmt: skip
def test_senseless_layers_or_factor_are_named(n_layers, factor, named):
    with pytest.raises(ValueError, match=named):
        Augmentation.of_report(n_layers, factor)


@pytest.mark.parametrize(
    ("pixels", "mask", "named"),
    [
        (SMOOTH, NO_MASK[:, :6], r"\(64, 64\).*mask \(64, 6\)"),
        (SMOOTH.astype(float), NO_MASK, "float64"),
        (SMOOTH, NO_MASK + np.uint8(255), "mask must hold 0 and 1 only, not 255"),
        (IMAGES, MASKS, r"\(3, 64, 64\)"),
    ],
)
def test_a_wrong_pair_is_refused(pixels, mask, named):
    with pytest.raises(ValueError, match=named):
        augment_pair(pixels, mask, 0, UNET)


def test_rows_without_seeds_are_refused():
    with pytest.raises(ValueError, match="source_rows has 2 rows and seeds 1"):
        augment_radiographs(IMAGES, MASKS, [0, 1], [3], REPORT)
