"""Duplicate search: Report A's brute force against hash first, SSIM on candidates only."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pandas as pd
from skimage.metrics import structural_similarity
from study import arguments, opened

from covid_xray.imaging.resizing import resize_radiograph
from covid_xray.imaging.similarity import find_similar_pairs
from covid_xray.studies.parameters import ReadingParameters
from covid_xray.studies.reading import read_study

SIDE, MIN_SSIM, MAX_DISTANCE = 50, 0.8, 2


def brute_force(images: np.ndarray, hashes: np.ndarray, labels: pd.Series) -> set[tuple[int, int]]:
    """SSIM of every pair of a class, then the hash of those that are similar."""
    small = [resize_radiograph(image, SIDE) for image in images]
    found = set()
    for _, rows in labels.groupby(labels):
        for first, second in combinations(rows.index, 2):
            if structural_similarity(small[first], small[second], data_range=255) >= MIN_SSIM:
                distance = int(hashes[first] ^ hashes[second]).bit_count()
                if distance <= MAX_DISTANCE:
                    found.add((first, second))
    return found


def ours(images: np.ndarray, hashes: np.ndarray) -> pd.DataFrame:
    return find_similar_pairs(
        images, hashes, side=SIDE, min_ssim=MIN_SSIM, max_hash_distance=MAX_DISTANCE
    )


def timed(function, *inputs):
    start = time.perf_counter()
    return function(*inputs), time.perf_counter() - start


def main() -> None:
    options = arguments(__doc__).parse_args()
    with opened(options.study, options.images) as study:
        reading = read_study(study, ReadingParameters(side=256))
        labels = reading.index["label"]
        images = np.asarray(reading.images)
        hashes = reading.features["perceptual_hash"].to_numpy()
    similar, fast = timed(ours, images, hashes)
    within = labels.to_numpy()[similar["first"]] == labels.to_numpy()[similar["second"]]
    pairs = {tuple(pair) for pair in similar.loc[within, ["first", "second"]].to_numpy()}
    reference, slow = timed(brute_force, images, hashes, labels)
    print(f"{len(images)} radiographs, {len(pairs)} duplicate pairs within classes")
    print(f"same pairs as brute force: {pairs == reference}")
    print(f"brute force {slow:.1f} s, ours {fast:.3f} s, ratio {slow / fast:.0f}")

    # The candidates of 10,000 radiographs: the same pictures again, their hashes moved apart.
    rng = np.random.default_rng(0)
    many = rng.integers(0, 2**64, 10_000, dtype=np.uint64)
    many[: len(hashes)] = hashes
    _, search = timed(ours, np.resize(images, (10_000, *images.shape[1:])), many)
    print(f"pair search at 10,000 radiographs: {search:.2f} s")


if __name__ == "__main__":
    main()
