"""Autoencoder training: streamed from a memory map against everything held in memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
from study import anonymous_mib, arguments, opened

from covid_xray.imaging.resizing import resize_rows
from covid_xray.models.autoencoders import build_autoencoder
from covid_xray.models.settings import AutoencoderSettings
from covid_xray.studies.parameters import ReadingParameters
from covid_xray.studies.reading import read_study
from covid_xray.training.autoencoders import train_autoencoder
from covid_xray.training.batches import SplitRows

SIDE, EPOCHS = 128, 4
PUBLISHED = {"batch_size": 256, "epochs": 1, "seed": 1}
KINDS = {
    "dense": AutoencoderSettings(
        architecture="dense", layers=[512], code=50, learning_rate=1e-3, **PUBLISHED
    ),
    "convolutional": AutoencoderSettings(
        architecture="convolutional", layers=[16, 32], code=8, learning_rate=3e-3, **PUBLISHED
    ),
}


def streamed(model: keras.Model, images: np.ndarray, settings: AutoencoderSettings) -> float:
    """Seconds of a training that reads batch by batch."""
    rows = np.arange(len(images))
    start = time.perf_counter()
    train_autoencoder(model, images, rows=SplitRows(rows, rows[:1]), settings=settings)
    return time.perf_counter() - start


def in_memory(model: keras.Model, pixels: np.ndarray, settings: AutoencoderSettings) -> float:
    """Seconds of a training on resized pixels that are all held as floats."""
    model.compile(keras.optimizers.Adam(settings.learning_rate), loss="binary_crossentropy")
    start = time.perf_counter()
    model.fit(
        pixels, pixels, validation_data=(pixels[:1], pixels[:1]), verbose=0,
        batch_size=settings.batch_size, epochs=settings.epochs,
    )  # fmt: skip
    return time.perf_counter() - start


def seconds_per_epoch(
    train: Callable[[keras.Model, np.ndarray, AutoencoderSettings], float],
    pixels: np.ndarray,
    settings: AutoencoderSettings,
) -> float:
    """Time of each epoch after the first, whose compilation would hide the rest."""
    longer = settings.model_copy(update={"epochs": EPOCHS})
    model = build_autoencoder(settings, SIDE)
    first = train(model, pixels, settings)
    return (train(model, pixels, longer) - first) / (EPOCHS - 1)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--memory", choices=KINDS, help="print anonymous memory only")
    options = parser.parse_args()
    with opened(options.study, options.images) as study:
        images = read_study(study, ReadingParameters(side=256)).images
        if options.memory:
            settings = KINDS[options.memory]
            streamed(build_autoencoder(settings, SIDE), images, settings)
            print(f"{options.memory}, {len(images)} radiographs: {anonymous_mib():.0f} MiB")
            return
        pixels = resize_rows(images, np.arange(len(images)), SIDE)[..., None] / np.float32(255)
        for kind, settings in KINDS.items():
            ours = seconds_per_epoch(streamed, images, settings)
            bare = seconds_per_epoch(in_memory, pixels, settings)
            print(
                f"{kind}, {len(images)} radiographs: {len(images) / ours:.0f} images/s streamed, "
                f"{len(images) / bare:.0f} in memory, ratio {bare / ours:.2f}",
                flush=True,
            )
    if options.study is not None:
        # A fresh process each: memory once taken is seldom given back.
        for kind in KINDS:
            for n_images in (400, options.images):
                command = [sys.executable, __file__, str(options.study), "--memory", kind]
                subprocess.run([*command, "--images", str(n_images)], check=True)


if __name__ == "__main__":
    main()
