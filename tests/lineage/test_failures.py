"""Runs that end in the middle, killed or on a full disk: what they leave never passes for whole."""

from __future__ import annotations

import resource
import shutil

import pytest

from support.command_line import kedro, run_until
from support.outputs import files_of
from support.project import make_project

pytestmark = pytest.mark.slow

RECORDS = "data/08_reporting/phantom_study/records"
AGAIN = ("run", "--env", "test", "--pipelines", "data_engineering")
RESUMED = (*AGAIN, "--only-missing-outputs")


@pytest.fixture(scope="module")
def engineered_with_other_sizes(tmp_path_factory, run_kedro):
    """The files of a fresh project that was only ever run with these parameters."""
    project = make_project(tmp_path_factory.mktemp("fresh"))
    params = {"reading": {"side": 48}, "augmentation": {"images_per_class": 40}, "seed": 8}
    run_kedro(project, "data_engineering", params=params)
    return files_of(project)


SIZES = ("--params", "reading.side=48,augmentation.images_per_class=40,seed=8")


def test_a_rerun_killed_midway_goes_on_to_the_tables_of_a_whole_run(
    engineered_copy, engineered_with_other_sizes
):
    """The old set of images is gone when the new splits are not there yet."""
    (engineered_copy / RECORDS / "splits.json").unlink()
    run_until(engineered_copy, f"{RECORDS}/splits.json", *AGAIN, *SIZES)
    assert files_of(engineered_copy) != engineered_with_other_sizes
    result = kedro(engineered_copy, *RESUMED, *SIZES)
    assert result.returncode == 0, result.stdout + result.stderr
    assert files_of(engineered_copy) == engineered_with_other_sizes


def assert_gone_on_with(project, whole, stale):
    """No output passes for whole beside others, and what is lacking is made to the same."""
    records = project / RECORDS
    assert not (records / f"{stale}.json").exists()
    assert not list(project.glob("data/*/phantom_study/.*.partial*"))
    refused = kedro(project, "run", "--env", "test", "--pipelines", "modeling", *SIZES)
    assert f"{stale}: no record of what made it" in refused.stdout + refused.stderr
    result = kedro(project, *RESUMED, *SIZES)
    assert result.returncode == 0, result.stdout + result.stderr
    assert files_of(project) == whole


def test_a_save_that_fails_midway_leaves_no_mixture_that_passes(
    engineered_copy, engineered_with_other_sizes
):
    """The index of the new rows is saved, and the images are not: a folder stands in their way."""
    before = files_of(engineered_copy)
    images = "02_intermediate/phantom_study/images.npy"
    (engineered_copy / "data" / images).unlink()
    (engineered_copy / "data" / images / "in_the_way").mkdir(parents=True)
    result = kedro(engineered_copy, *AGAIN, *SIZES)
    shutil.rmtree(engineered_copy / "data" / images)
    (engineered_copy / "data" / images).write_bytes(before[images])
    assert result.returncode != 0
    assert "Is a directory" in result.stdout + result.stderr
    assert_gone_on_with(engineered_copy, engineered_with_other_sizes, "images")


def test_a_rerun_on_a_full_disk_leaves_no_mixture_that_passes(
    engineered_copy, engineered_with_other_sizes
):
    """The new plan of augmented images is saved, and the images do not fit on the disk."""
    augmented = "05_model_input/phantom_study/augmented_images.npy"
    limit = len(engineered_with_other_sizes[augmented]) - 1
    result = kedro(
        engineered_copy,
        *AGAIN,
        *SIZES,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert result.returncode != 0
    assert "File too large" in result.stdout + result.stderr
    assert_gone_on_with(engineered_copy, engineered_with_other_sizes, "augmented_images")
