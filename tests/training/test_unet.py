import subprocess
import sys

import keras
import numpy as np
import pytest

from covid_xray.datasets import KerasModelDataset
from covid_xray.evaluation.overlap import dice as overlap_dice
from covid_xray.imaging.augmentation import Augmentation
from covid_xray.imaging.lung_masks import clean_lung_mask, count_components
from covid_xray.models.settings import UNetSettings
from covid_xray.models.unet import build_unet, predict_masks
from covid_xray.training.batches import SplitRows, TrainingError
from covid_xray.training.fitting import without_training
from covid_xray.training.unet import AugmentedPairs, dice, overlap_loss, train_unet

STILL = Augmentation()
MOVED = Augmentation(rotation=10, zoom=0.1, shift=0.05, gamma=0.2, flip=True)
SETTINGS = UNetSettings(
    filters=[4, 8],
    learning_rate=1e-2,
    batch_size=4,
    epochs=8,
    patience=8,
    augmentation=STILL,
    seed=3,
)
SIDE = 32


def dark_squares(n, seed=0):
    """Bright pictures with a dark square each, which is the mask; and 0/1 masks."""
    rng = np.random.default_rng(seed)
    images = rng.integers(150, 200, (n, SIDE, SIDE)).astype(np.uint8)
    masks = np.zeros_like(images)
    for picture, mask in zip(images, masks, strict=True):
        top, left = rng.integers(2, SIDE - 16, 2)
        mask[top : top + 14, left : left + 14] = 1
        picture[mask == 1] = rng.integers(40, 80)
    return images, masks


IMAGES, MASKS = dark_squares(20)
TRAIN, VALIDATION = np.arange(16), np.arange(16, 20)


def trained(settings=SETTINGS, images=IMAGES):
    model = build_unet(settings, SIDE)
    history = train_unet(model, images, MASKS, rows=SplitRows(TRAIN, VALIDATION), settings=settings)
    return model, history


def test_the_published_size_is_about_that_of_report_bs_unet():
    """678,483 parameters with a classifier of about 70,000 leave some 608,000."""
    settings = SETTINGS.model_copy(update={"filters": [8, 16, 32, 64, 160]})
    model = build_unet(settings, 256)
    assert model.count_params() == pytest.approx(608_000, rel=0.05)
    assert model.input_shape == model.output_shape == (None, 256, 256, 1)


def test_brightness_and_contrast_of_a_radiograph_change_little():
    model, _ = trained(SETTINGS.model_copy(update={"epochs": 1}))
    pictures = IMAGES[:2, ..., None].astype("float32")
    once, again = (model.predict(batch, verbose=0) for batch in (pictures, pictures * 0.5 + 20))
    np.testing.assert_allclose(once, again, atol=0.01)


def test_a_side_that_cannot_be_halved_is_refused_by_name():
    with pytest.raises(ValueError, match=r"segmentation\.unet\.filters"):
        build_unet(SETTINGS.model_copy(update={"filters": [4, 4, 4]}), 30)


def test_loss_and_dice_of_known_masks():
    true = np.zeros((2, 4, 4, 1), np.float32)
    true[0, :2] = 1  # eight pixels; the second mask is empty
    half = np.zeros_like(true)
    half[0, 0] = 1  # four of the eight
    expected = ((2 * 4 + 1) / (8 + 4 + 1) + 1) / 2  # two empty masks agree
    assert float(np.mean(dice(true, half))) == pytest.approx(expected)
    assert float(np.mean(dice(true, true))) == 1
    assert float(overlap_loss(true, true)) == pytest.approx(0, abs=1e-5)
    certain = np.clip(half, 1e-7, 1 - 1e-7)
    entropy = -(true * np.log(certain) + (1 - true) * np.log(1 - certain)).mean()
    assert float(overlap_loss(true, half)) == pytest.approx(entropy + 1 - expected, rel=1e-3)


@pytest.mark.slow
def test_validation_dice_is_the_mean_over_pairs_whatever_the_batch():
    """The fourth pair fills the last batch alone."""
    settings = SETTINGS.model_copy(update={"batch_size": 3, "epochs": 1})
    model, history = trained(settings)
    pixels = IMAGES[VALIDATION, ..., None].astype("float32")
    found = model.predict(pixels, verbose=0)[..., 0] > 0.5
    each = [overlap_dice(mask, MASKS[row]) for mask, row in zip(found, VALIDATION, strict=True)]
    of_batches = (np.mean(each[:3]) + each[3]) / 2
    assert abs(of_batches - np.mean(each)) > 0.01
    assert history["val_dice"].iloc[0] == pytest.approx(np.mean(each), abs=1e-3)


def test_it_learns_to_find_dark_squares_it_never_saw():
    model, history = trained()
    fresh, masks = dark_squares(8, seed=9)
    ((found, _),) = predict_masks(model, fresh, np.arange(8), batch_size=8)
    overlap = 2 * (found & masks).sum() / (found.sum() + masks.sum())
    assert overlap > 0.9
    assert list(history.columns) == ["epoch", "dice", "loss", "val_dice", "val_loss"]


@pytest.mark.slow
def test_the_weights_of_the_best_validation_dice_are_kept():
    model, history = trained()
    inputs = IMAGES[VALIDATION][..., None].astype("float32")
    reached = dice(MASKS[VALIDATION][..., None].astype("float32"), model.predict(inputs, verbose=0))
    assert float(np.mean(reached)) == pytest.approx(history["val_dice"].max(), abs=1e-5)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_training_and_held_out_pairs_never_train():
    settings = SETTINGS.model_copy(update={"epochs": 2, "augmentation": MOVED})
    model, history = trained(settings)
    again, repeated = trained(settings)
    assert history.equals(repeated)
    for ours, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, other)
    changed = IMAGES.copy()
    changed[VALIDATION] = 255 - changed[VALIDATION]
    _, other_history = trained(settings, changed)
    assert other_history["loss"].equals(history["loss"])
    assert not other_history["val_loss"].equals(history["val_loss"])


def test_a_pair_is_moved_anew_in_every_epoch():
    settings = SETTINGS.model_copy(update={"augmentation": MOVED})
    pairs, again = (AugmentedPairs(IMAGES, MASKS, TRAIN[:1], settings) for _ in range(2))
    epochs = []
    for _ in range(3):
        for one, same in zip(pairs[0], again[0], strict=True):
            np.testing.assert_array_equal(one, same)
        epochs.append(pairs[0][1])
        pairs.on_epoch_end()
        again.on_epoch_end()
    assert len(np.unique(np.concatenate(epochs), axis=0)) == 3


def test_without_pairs_there_is_no_training():
    model = build_unet(SETTINGS, SIDE)
    none = np.array([], dtype=int)
    for rows in ({"rows": SplitRows(none, VALIDATION)},
                 {"rows": SplitRows(TRAIN, none)}):  # fmt: skip
        with pytest.raises(TrainingError, match="needs pairs"):
            train_unet(model, IMAGES, MASKS, settings=SETTINGS, **rows)


@pytest.mark.parametrize("batch_size", [1, 3, 20])
def test_predicted_masks_are_the_models_own_cleaned_whatever_the_batch(batch_size):
    model = build_unet(SETTINGS, SIDE)
    rows = np.array([5, 0, 7, 19])
    batches = list(predict_masks(model, IMAGES, rows, batch_size))
    masks = np.concatenate([batch for batch, _ in batches])
    components = np.concatenate([counts for _, counts in batches])
    raw = model.predict(IMAGES[rows][..., None].astype("float32"), verbose=0)[..., 0] > 0.5
    for mask, count, of_model in zip(masks, components, raw.astype(np.uint8), strict=True):
        np.testing.assert_array_equal(mask, clean_lung_mask(of_model))
        assert count == count_components(of_model)


LOAD = """
import sys, keras
model = keras.saving.load_model(sys.argv[1], safe_mode=True)
print(model.count_params(), any(name.startswith("covid_xray") for name in sys.modules))
"""


@pytest.mark.slow
def test_the_saved_model_needs_no_code_of_this_project(tmp_path):
    model, _ = trained(SETTINGS.model_copy(update={"epochs": 1}))
    path = tmp_path / "unet.keras"
    dataset = KerasModelDataset(filepath=str(path))
    dataset.save(without_training(model))
    run = subprocess.run(
        [sys.executable, "-c", LOAD, str(path)], capture_output=True, text=True, check=True
    )
    assert run.stdout.split()[-2:] == [str(model.count_params()), "False"]
    inputs = IMAGES[:2, ..., None].astype("float32")
    loaded = dataset.load()
    assert isinstance(loaded, keras.Model)
    np.testing.assert_array_equal(
        loaded.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )
    for name in ("first", "second"):
        build_unet(SETTINGS, SIDE).save(tmp_path / f"{name}.keras")
        keras.Sequential([keras.Input((8, 8, 1)), *(keras.layers.Conv2D(1, 1) for _ in range(12))])
    first, second = (tmp_path / f"{name}.keras" for name in ("first", "second"))
    assert first.stat().st_size == second.stat().st_size
