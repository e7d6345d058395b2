import multiprocessing
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from covid_xray.imaging.augmentation import (
    augment_lung_mask,
    augment_radiograph,
    augment_radiographs,
)

RNG = np.random.default_rng(0)
# A smooth picture: interpolation of white noise would look like a loss of contrast.
RADIOGRAPH = (
    128 + 60 * np.sin(np.linspace(0, 5, 64))[:, None] * np.cos(np.linspace(0, 4, 64))
).astype(np.uint8)
IMAGES = np.stack([RADIOGRAPH, RADIOGRAPH[::-1], RADIOGRAPH.T])
MASKS = (IMAGES > 150).astype(np.uint8)
MASKS[2] = 0  # a radiograph without a lung mask


def children(batch_size, workers, order=(0, 1, 2, 3, 4)):
    parents, seeds = np.array([0, 1, 2, 0, 1]), np.array([3, 5, 7, 11, 13])
    chosen = list(order)
    return augment_radiographs(
        IMAGES,
        MASKS,
        parents[chosen].tolist(),
        seeds[chosen].tolist(),
        n_layers=4,
        factor=0.1,
        batch_size=batch_size,
        workers=workers,
    )


@pytest.mark.slow
def test_a_child_depends_on_its_parent_and_its_seed_alone():
    """Not on the batch size, the number of processes or the order of the children."""
    planned = list(zip([0, 1, 2, 0, 1], [3, 5, 7, 11, 13], strict=True))
    how = {"n_layers": 4, "factor": 0.1}
    reference = (
        np.stack([augment_radiograph(IMAGES[row], seed, **how) for row, seed in planned]),
        np.stack([augment_lung_mask(MASKS[row], seed, **how) for row, seed in planned]),
    )
    np.testing.assert_array_equal(children(batch_size=2, workers=2), reference)
    order = (4, 2, 0, 3, 1)
    shuffled = [of_all[list(order)] for of_all in reference]
    # One process is this one, where Keras is loaded.
    assert "keras" in sys.modules
    np.testing.assert_array_equal(children(5, 1, order), shuffled)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
def test_a_lung_mask_moves_as_its_radiograph_does(n_layers):
    """A radiograph that is its own mask, bright lungs on black, still is after augmentation."""
    mask = np.zeros((64, 64), np.uint8)
    mask[10:40, 8:26] = mask[14:44, 36:56] = 1
    for seed in range(5):
        child = augment_radiograph(mask * np.uint8(200), seed, n_layers=n_layers, factor=0.1)
        moved = augment_lung_mask(mask, seed, n_layers=n_layers, factor=0.1)
        bright = child > (int(child.min()) + int(child.max())) / 2
        assert set(np.unique(moved)) == {0, 1}
        assert (moved != mask).any()
        assert (bright == moved).mean() > 0.98 > (mask == moved).mean()


def test_without_a_lung_mask_there_is_none_after_augmentation():
    assert not augment_lung_mask(MASKS[2], 3, n_layers=2, factor=0.1).any()


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
    made = augment_radiographs(IMAGES, MASKS, [], [], n_layers=3, factor=0.1, batch_size=8)
    assert [array.shape for array in made] == [(0, 64, 64)] * 2


ENDLESS = """
import numpy as np
from covid_xray.imaging.augmentation import augment_radiographs
if __name__ == "__main__":
    rows = [0] * 100_000
    one = np.zeros((1, 64, 64), np.uint8)
    augment_radiographs(one, one, rows, rows, n_layers=4, factor=0.1, batch_size=4, workers=1)
"""


@pytest.mark.slow
def test_a_killed_run_leaves_no_worker_behind(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS, "utf-8")
    process = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.DEVNULL)
    workers = []
    deadline = time.monotonic() + 60
    while not any(worker.cpu_times().user > 1 for worker in workers):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
        workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=15)
    assert alive == []
