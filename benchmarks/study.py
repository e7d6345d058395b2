"""The study that the benchmarks run on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from covid_xray.phantom.plan import PhantomPlan
from covid_xray.phantom.writing import write_phantom_study
from covid_xray.studies.study import RadiographyStudy, open_study


def arguments(description: str) -> argparse.ArgumentParser:
    """Command line of a benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("study", nargs="?", type=Path, help="folder in the Kaggle layout")
    parser.add_argument("--images", type=int, default=1600, help="radiographs to use at most")
    return parser


@contextmanager
def opened(folder: Path | None, n_images: int) -> Iterator[RadiographyStudy]:
    """Open `folder`, or a new phantom study, reduced to `n_images` spread over its classes."""
    with TemporaryDirectory() as scratch:
        if folder is None:
            folder = Path(scratch) / "phantom"
            print(f"No study given: writing {n_images} phantoms", flush=True)
            write_phantom_study(folder, PhantomPlan(images_per_class=n_images // 4))
        yield first_images(open_study(folder), n_images)


def first_images(study: RadiographyStudy, n_images: int) -> RadiographyStudy:
    """The study with about `n_images` of its radiographs, taken at even steps."""
    files = study.radiographs
    n_images = min(n_images, len(files))
    chosen = [files[i * len(files) // n_images] for i in range(n_images)]
    return replace(study, radiographs=chosen)


def anonymous_mib() -> float:
    """Private memory of this process that no file backs, in MiB."""
    memory = psutil.Process().memory_info()
    return (memory.rss - memory.shared) / 2**20
