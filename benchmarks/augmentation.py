"""Augmented pairs per second: ours, Keras's layers one by one and in batches, and bare warps."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import Any

import cv2
import numpy as np

from covid_xray.imaging.augmentation import Augmentation, augment_radiographs

SIDE, N_LAYERS, FACTOR, BATCH, N_SOURCES = 256, 3, 0.1, 32, 64
MOVING_LAYERS = 2


@cache
def sources() -> tuple[np.ndarray, np.ndarray]:
    """Smooth radiographs and round masks; what they show does not change the speed."""
    noise = np.random.default_rng(1).integers(0, 256, (N_SOURCES, SIDE, SIDE), np.uint8)
    y, x = np.indices((SIDE, SIDE)) - SIDE / 2
    lungs = (x**2 + y**2 < (SIDE / 3) ** 2).astype(np.uint8)
    images = np.stack([cv2.GaussianBlur(picture, (15, 15), 0) for picture in noise])
    return images, np.repeat(lungs[None], N_SOURCES, axis=0)


@cache
def layers() -> tuple[Any, ...]:
    import keras

    every = (
        keras.layers.RandomZoom(FACTOR, fill_mode="reflect"),
        keras.layers.RandomRotation(FACTOR, fill_mode="reflect"),
        keras.layers.RandomContrast(FACTOR, value_range=(0, 255)),
        keras.layers.RandomBrightness(FACTOR, value_range=(0, 255)),
    )
    return every[:N_LAYERS]


def by_layers(pixels: np.ndarray, seed: int, n_layers: int = N_LAYERS) -> np.ndarray:
    """Radiographs (n, side, side) through Keras's layers, which draw from a seed each."""
    image = pixels[..., None].astype("float32")
    seeds = np.random.SeedSequence(seed).generate_state(N_LAYERS) >> 1
    for layer, layer_seed in zip(layers()[:n_layers], seeds, strict=False):
        drawn = layer.get_random_transformation(image, training=True, seed=int(layer_seed))
        image = layer.transform_images(image, drawn, training=True)
    return np.clip(np.rint(np.asarray(image)[..., 0]), 0, 255).astype(np.uint8)


def pairs_by_layers(seed: int, n_pairs: int) -> None:
    """Pairs at once through Keras's layers, the masks as radiographs that are moved only."""
    images, masks = (array[np.arange(seed, seed + n_pairs) % N_SOURCES] for array in sources())
    by_layers(images, seed)
    np.greater_equal(by_layers(masks * np.uint8(255), seed, MOVING_LAYERS), 128)


def one_by_one(seeds: range) -> None:
    for seed in seeds:
        pairs_by_layers(seed, 1)


def in_batches(n_pairs: int) -> None:
    for seed in range(0, n_pairs, BATCH):
        pairs_by_layers(seed, min(BATCH, n_pairs - seed))


def ours(n_pairs: int) -> None:
    images, masks = sources()
    rows = [seed % N_SOURCES for seed in range(n_pairs)]
    how = Augmentation.of_report(N_LAYERS, FACTOR)
    augment_radiographs(images, masks, rows, list(range(n_pairs)), how)


def bare_warps(n_pairs: int) -> None:
    matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 20, 1.05)
    for row in range(n_pairs):
        for array, how in zip(sources(), (cv2.INTER_LINEAR, cv2.INTER_NEAREST), strict=True):
            cv2.warpAffine(
                array[row % N_SOURCES], matrix, (SIDE, SIDE),
                flags=how, borderMode=cv2.BORDER_REFLECT,
            )  # fmt: skip


def pairs_per_second(make: Callable[[int], object], n_pairs: int) -> float:
    start = time.perf_counter()
    make(n_pairs)
    return n_pairs / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--pairs", type=int, default=2000, help="pairs per round; Keras's 8 times fewer"
    )
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    n_processes = os.cpu_count() or 1
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, spawn) as pool:

        def in_processes(n_pairs: int) -> None:
            step = -(-n_pairs // n_processes)
            parts = [range(at, min(at + step, n_pairs)) for at in range(0, n_pairs, step)]
            list(pool.map(one_by_one, parts))

        few = options.pairs // 8
        ways = {
            "ours": (ours, options.pairs),
            f"Keras, one by one, {n_processes} processes": (in_processes, few),
            f"Keras, batches of {BATCH}": (in_batches, few),
            "bare warps of both, one thread": (bare_warps, options.pairs),
        }
        for make, n_pairs in ways.values():
            make(n_pairs // 4)  # imports and compiles
        rounds = [
            {name: pairs_per_second(*way) for name, way in ways.items()}
            for _ in range(options.rounds)
        ]
    print(f"{SIDE}x{SIDE}, {N_LAYERS} layers, medians of {options.rounds} rounds", flush=True)
    for name in ways:
        speed = statistics.median(of_round[name] for of_round in rounds)
        ratio = statistics.median(of_round["ours"] / of_round[name] for of_round in rounds)
        print(f"{name}: {speed:.0f} pairs/s; ours is {ratio:.2f} times as fast", flush=True)


if __name__ == "__main__":
    main()
