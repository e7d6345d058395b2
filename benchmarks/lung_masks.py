"""Lung masks of a study: the streamed, cleaned prediction against bare calls of the U-Net."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import keras
import numpy as np
from study import anonymous_mib, arguments, opened

from covid_xray.imaging.arrays import scratch_array
from covid_xray.imaging.augmentation import Augmentation
from covid_xray.models.settings import UNetSettings
from covid_xray.models.unet import build_unet, predict_masks
from covid_xray.studies.parameters import ReadingParameters
from covid_xray.studies.reading import read_study

SIDE, BATCH, ROUNDS = 256, 16, 3
# The published architecture; what its weights are does not change its speed.
SETTINGS = UNetSettings(
    filters=[8, 16, 32, 64, 160],
    learning_rate=1e-3,
    batch_size=8,
    epochs=1,
    patience=1,
    augmentation=Augmentation(),
    seed=1,
)


def streamed(model: keras.Model, images: np.ndarray) -> float:
    """Seconds from a memory map of radiographs to a memory map of cleaned masks."""
    start = time.perf_counter()
    masks = scratch_array(images.shape, np.uint8)
    place = 0
    for batch, _ in predict_masks(model, images, np.arange(len(images)), BATCH):
        masks[place : place + len(batch)] = batch
        place += len(batch)
    return time.perf_counter() - start


def bare(model: keras.Model, pixels: np.ndarray) -> float:
    """Seconds of the model's calls alone, on floats in memory; what they give is dropped."""
    start = time.perf_counter()
    for place in range(0, len(pixels), BATCH):
        model.predict_on_batch(pixels[place : place + BATCH])
    return time.perf_counter() - start


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--memory", action="store_true", help="print anonymous memory only")
    options = parser.parse_args()
    with opened(options.study, options.images) as study:
        images = read_study(study, ReadingParameters(side=SIDE)).images
        model = build_unet(SETTINGS, SIDE)
        if options.memory:
            streamed(model, images)
            print(f"{len(images)} radiographs: {anonymous_mib():.0f} MiB", flush=True)
            return
        few = images[: BATCH * 16]
        pixels = few[..., None].astype(np.float32)
        bare(model, pixels[:BATCH])  # compiles
        pairs = [(streamed(model, few), bare(model, pixels)) for _ in range(ROUNDS)]
        ours, calls = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
        print(
            f"{len(few)} radiographs, median of {ROUNDS} pairs of runs: {len(few) / ours:.1f} "
            f"images/s streamed, {len(few) / calls:.1f} bare, ratio {calls / ours:.2f}",
            flush=True,
        )
    if options.study is not None:
        # A fresh process each: memory once taken is seldom given back.
        for n_images in (400, options.images):
            command = [sys.executable, __file__, str(options.study), "--memory"]
            subprocess.run([*command, "--images", str(n_images)], check=True)


if __name__ == "__main__":
    main()
