"""Reading a study: one pass with index, features and arrays, over bare threaded `cv2.imread`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
from study import anonymous_mib, arguments, opened

from covid_xray.studies.parameters import ReadingParameters
from covid_xray.studies.reading import read_study
from covid_xray.studies.study import RadiographyStudy

ROUNDS = 5


def bare_reading(study: RadiographyStudy) -> None:
    """Decode every radiograph with OpenCV in threads, and keep nothing."""
    folder = study.files.location
    paths = [str(folder / file.path) for file in study.radiographs]
    masks = [str(folder / path) for file in study.radiographs for path in file.mask_paths]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_decode, paths + masks))
    cv2.setNumThreads(threads)


def _decode(path: str) -> bool:
    return cv2.imread(path, cv2.IMREAD_GRAYSCALE) is not None


def timed(function, *inputs) -> float:
    start = time.perf_counter()
    function(*inputs)
    return time.perf_counter() - start


def memory_of_reading(study: RadiographyStudy) -> float:
    """Private memory not backed by a file after the pass, in MiB, arrays still open."""
    before = anonymous_mib()
    reading = read_study(study, ReadingParameters(side=256))
    used = anonymous_mib() - before
    assert len(reading.index)
    return used


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--memory", action="store_true", help="print anonymous memory only")
    options = parser.parse_args()
    with opened(options.study, options.images) as study:
        if options.memory:
            print(f"{len(study.radiographs)} radiographs: {memory_of_reading(study):.0f} MiB")
            return
        parameters = ReadingParameters(side=256)
        bare_reading(study)  # warm the page cache for both
        read_study(study, parameters)
        pairs = [
            (timed(read_study, study, parameters), timed(bare_reading, study))
            for _ in range(ROUNDS)
        ]
        ratio = statistics.median(ours / bare for ours, bare in pairs)
        ours, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"{len(study.radiographs)} radiographs, median of {ROUNDS} pairs of runs")
        print(
            f"index + features + arrays {ours:.2f} s, bare imread {bare:.2f} s, ratio {ratio:.2f}"
        )
    if options.study is not None:
        # A fresh process each: memory once taken is seldom given back.
        for n_images in (400, options.images):
            command = [sys.executable, __file__, str(options.study), "--memory"]
            subprocess.run([*command, "--images", str(n_images)], check=True)


if __name__ == "__main__":
    main()
