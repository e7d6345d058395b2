"""Train the demo's small backbones on phantoms: `python scripts/train_phantom_trunks.py MobileNet`.

Pre-trained weights can't be had without a download, and a frozen trunk of random weights teaches
nothing. So the project trains the small backbones once, whole, on phantoms of its own: drawn with
seeds that no phantom study uses, without markers, and with hospitals that say nothing of the class.
Weights are kept in half precision, as `<name>_notop.weights.h5` in `data/01_raw/phantom_weights`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from covid_xray.models.backbone import weights_file
from covid_xray.models.transfer_classifiers import (
    build_classifier,
    copy_weights,
    layers_with_weights,
)
from covid_xray.phantom.acquisition import HOSPITALS, acquire
from covid_xray.phantom.drawing import CLASSES, draw_radiograph
from covid_xray.progress import progress

FOLDER = Path(__file__).parents[1] / "data/01_raw/phantom_weights"
# Phantom studies draw from other streams: theirs begin with the plan's seed, these with two words.
STREAM = (0x70_68_61_6E, 0x74_6F_6D)
SIDE, INPUT_SIDE, BATCH, RATE = 160, 64, 32, 1e-3


def draw(number: int) -> NDArray[np.uint8]:
    """One phantom, (SIDE, SIDE); its class is that of `number`."""
    label = CLASSES[number % len(CLASSES)]
    rng = np.random.default_rng(np.random.SeedSequence([*STREAM, number]))
    pixels, _ = draw_radiograph(label, rng, SIDE)
    return acquire(pixels, HOSPITALS[int(rng.integers(len(HOSPITALS)))], rng)


def draw_all(numbers: range) -> NDArray[np.uint8]:
    """Phantoms, (n, SIDE, SIDE), drawn by all processors."""
    with ProcessPoolExecutor() as pool:
        drawn = pool.map(draw, numbers, chunksize=32)
        return np.stack(list(progress(drawn, "Drawing phantoms", len(numbers))))


def batches(
    images: NDArray[np.uint8], labels: NDArray[np.intp], seed: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.intp]]]:
    """Shuffled batches without end, brightness and contrast moved a little."""
    rng = np.random.default_rng(seed)
    while True:
        for chosen in np.array_split(rng.permutation(len(images)), len(images) // BATCH):
            pixels = images[np.sort(chosen)][..., None].astype(np.float32)
            gain = rng.uniform(0.9, 1.1, (len(chosen), 1, 1, 1))
            moved = (pixels - 128) * gain + 128 + rng.uniform(-12, 12, (len(chosen), 1, 1, 1))
            yield np.clip(moved, 0, 255).astype(np.float32), labels[np.sort(chosen)]


def train(name: str, n_train: int, n_test: int, epochs: int) -> keras.Model:
    """Train a backbone whole, and print what it gets on phantoms that it has not seen."""
    images = draw_all(range(n_train + n_test))
    labels = np.arange(len(images)) % len(CLASSES)
    model = build_classifier(
        name, trainable_layers=0, head=[{"dropout": 0.3}], n_classes=len(CLASSES),
        input_side=INPUT_SIDE, weights=None, seed=1,
    )  # fmt: skip
    model.trainable = True
    for layer in model.layers:
        layer.trainable = True
    steps = n_train // BATCH
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=epochs * steps, alpha=0.01, warmup_target=RATE, warmup_steps=steps
    )
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])
    test = images[n_train:][..., None].astype(np.float32), labels[n_train:]
    model.fit(
        batches(images[:n_train], labels[:n_train], 1), steps_per_epoch=steps, epochs=epochs,
        validation_data=test, verbose=2,
    )  # fmt: skip
    return model


def save_half(model: keras.Model, name: str, folder: Path) -> Path:
    """Save the backbone without its head as `keras.applications` has it, in half precision."""
    bare = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(224, 224, 3)
    )
    targets = layers_with_weights(bare)
    copy_weights(layers_with_weights(model)[: len(targets)], targets)
    path = weights_file(name, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as aside:
        full = Path(aside, path.name)
        bare.save_weights(full)
        with h5py.File(full) as source, h5py.File(path, "w") as target:
            _copy_half(source, target)
    return path


def _copy_half(source: h5py.Group, target: h5py.Group) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy_half(item, target.create_group(name))
        elif item.ndim:
            half = item[...].astype(np.float16)
            target.create_dataset(name, data=half, compression="gzip", shuffle=True)
        else:
            target.create_dataset(name, data=item[...])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backbones", nargs="+")
    parser.add_argument("--train", type=int, default=5000)
    parser.add_argument("--test", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    for backbone in given.backbones:
        trained = train(backbone, given.train, given.test, given.epochs)
        save_half(trained, backbone, given.folder)
