import subprocess
import sys

import numpy as np
import psutil
import pytest

from covid_xray.imaging.augmentation import augment_radiograph, augment_radiographs

RNG = np.random.default_rng(0)
# A smooth picture: interpolation of white noise would look like a loss of contrast.
RADIOGRAPH = (
    128 + 60 * np.sin(np.linspace(0, 5, 64))[:, None] * np.cos(np.linspace(0, 4, 64))
).astype(np.uint8)
IMAGES = np.stack([RADIOGRAPH, RADIOGRAPH[::-1], RADIOGRAPH.T])


def children(batch_size, workers, order=(0, 1, 2, 3, 4)):
    parents, seeds = np.array([0, 1, 2, 0, 1]), np.array([3, 5, 7, 11, 13])
    chosen = list(order)
    return augment_radiographs(
        IMAGES,
        parents[chosen].tolist(),
        seeds[chosen].tolist(),
        n_layers=4,
        factor=0.1,
        batch_size=batch_size,
        workers=workers,
    ).collect()


@pytest.mark.slow
def test_a_child_depends_on_its_parent_and_its_seed_alone():
    """Not on the batch size, the number of processes or the order of the children."""
    reference = np.stack(
        [
            augment_radiograph(IMAGES[row], seed, n_layers=4, factor=0.1)
            for row, seed in zip([0, 1, 2, 0, 1], [3, 5, 7, 11, 13], strict=True)
        ]
    )
    np.testing.assert_array_equal(children(batch_size=2, workers=2), reference)
    order = (4, 2, 0, 3, 1)
    np.testing.assert_array_equal(children(5, 1, order), reference[list(order)])


def test_another_seed_gives_another_child():
    first, second = (augment_radiograph(RADIOGRAPH, s, n_layers=4, factor=0.1) for s in (1, 2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
def test_layers_come_in_the_reports_order(n_layers):
    """With the same seed, more layers start from the same zoom, rotation, contrast."""
    flat = np.full((32, 32), 100, np.uint8)
    child = augment_radiograph(flat, 4, n_layers=n_layers, factor=0.2)
    # Zoom, rotation and contrast leave a flat picture flat and as it is; only brightness moves it.
    assert child.min() == child.max()
    assert (child[0, 0] != 100) == (n_layers == 4)


def test_a_larger_factor_moves_pictures_further():
    def distance(factor):
        moved = [augment_radiograph(RADIOGRAPH, s, n_layers=3, factor=factor) for s in range(12)]
        return np.mean([np.abs(child.astype(float) - RADIOGRAPH).mean() for child in moved])

    assert distance(0.01) < distance(0.1) < distance(0.3)


def test_pictures_are_never_mirrored():
    # A gradient that brightens to the right still does after any small augmentation.
    gradient = np.tile(np.linspace(20, 235, 64).astype(np.uint8), (64, 1))
    for seed in range(20):
        child = augment_radiograph(gradient, seed, n_layers=4, factor=0.1).astype(float)
        assert child[16:48, 40:48].mean() > child[16:48, 16:24].mean()


def test_no_children_no_rows():
    stream = augment_radiographs(IMAGES, [], [], n_layers=3, factor=0.1, batch_size=8)
    assert stream.collect().shape == (0, 64, 64)


ENDLESS = """
import numpy as np
from covid_xray.imaging.augmentation import augment_radiographs
if __name__ == "__main__":
    rows = [0] * 100_000
    stream = augment_radiographs(
        np.zeros((1, 64, 64), np.uint8), rows, rows, n_layers=4, factor=0.1, batch_size=4, workers=1
    )
    for start, _ in stream.numbered_batches():
        print(start, flush=True)
"""


@pytest.mark.slow
def test_a_killed_run_leaves_no_worker_behind(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS, "utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout.readline() == "0\n"
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    process.kill()
    process.wait()
    process.stdout.close()
    _, alive = psutil.wait_procs(workers, timeout=15)
    assert alive == []
