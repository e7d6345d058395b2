"""Real runs over outputs of other studies, protocols, seeds and code, and runs that fail."""

from __future__ import annotations

import inspect
import logging
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from kedro.io import DatasetError
from kedro.runner import ParallelRunner, ThreadRunner

from covid_xray.lineage import graph
from covid_xray.lineage.checks import OtherStudyError, RunnerError, StaleInputError
from covid_xray.lineage.hooks import BusyStudyError
from covid_xray.phantom.plan import PhantomPlan
from covid_xray.phantom.writing import write_phantom_study
from covid_xray.pipelines.data_engineering import nodes
from support.outputs import files_of
from support.project import make_project

pytestmark = pytest.mark.slow


def changed_files(before, after):
    assert before.keys() == after.keys()
    return {path for path in before if before[path] != after[path]}


@pytest.fixture(scope="module")
def of_seed_8(tmp_path_factory, run_kedro):
    """The files of a fresh project that was only ever run with seed 8."""
    project = make_project(tmp_path_factory.mktemp("seed_8"))
    run_kedro(project, "data_engineering", params={"seed": 8})
    return files_of(project)


@pytest.fixture(scope="module")
def two_studies(tmp_path_factory):
    """Two phantom studies in folders and archives that are called the same."""
    folder = tmp_path_factory.mktemp("two")
    for name, seed in (("a", 1), ("b", 2)):
        study = folder / name / "study"
        write_phantom_study(study, PhantomPlan(images_per_class=12, seed=seed))
        shutil.make_archive(str(folder / name / "archive"), "zip", study)
    return folder


def run_study(run_kedro, project, study, **params):
    run_kedro(
        project,
        "data_engineering",
        env="study",
        params={"study_path": str(study), "reading": {"side": 32}} | params,
        only_missing_outputs=True,
    )


@pytest.mark.parametrize("name", ["archive.zip", "study"])
def test_two_studies_of_one_name_are_kept_apart(project, run_kedro, two_studies, name):
    first, second = two_studies / "a" / name, two_studies / "b" / name
    kept = name.removesuffix(".zip")
    run_study(run_kedro, project, first)
    before = files_of(project, kept)
    with pytest.raises(OtherStudyError, match="add study_name=NAME to --params") as error:
        run_study(run_kedro, project, second)
    assert str(first) in str(error.value)
    assert str(second) in str(error.value)
    assert files_of(project, kept) == before
    run_study(run_kedro, project, second, study_name="second")
    assert files_of(project, kept) == before
    own = files_of(project, "second")
    assert len(own) == len(before)
    assert own["02_intermediate/second/images.npy"] != before[f"02_intermediate/{kept}/images.npy"]


def test_a_study_that_grew_is_read_again(project, run_kedro, two_studies, caplog):
    study = shutil.copytree(two_studies / "a/study", project / "growing")
    run_study(run_kedro, project, study)
    before = files_of(project, "growing")
    copy = next((study / "COVID/images").glob("*.png"))
    shutil.copy(copy, copy.with_name("COVID-999.png"))
    with caplog.at_level(logging.INFO, "covid_xray"):
        run_study(run_kedro, project, study)
    after = files_of(project, "growing")
    index = project / "data/02_intermediate/growing/radiograph_index.parquet"
    assert "COVID-999" in pd.read_parquet(index)["image_id"].tolist()
    assert len(after["02_intermediate/growing/images.npy"]) > len(
        before["02_intermediate/growing/images.npy"]
    )
    assert "outputs are made again: radiography_study (" in caplog.text


def test_a_study_that_moved_is_the_same(project, run_kedro, two_studies, caplog):
    study = shutil.copytree(two_studies / "a/study", project / "here/moving")
    run_study(run_kedro, project, study)
    study.rename(project / "moving")
    with caplog.at_level(logging.INFO):
        run_study(run_kedro, project, project / "moving")
    assert "Skipping all" in caplog.text


def test_another_seed_makes_again_what_draws(engineered_copy, run_kedro, of_seed_8, caplog):
    before = files_of(engineered_copy)
    with caplog.at_level(logging.INFO, "covid_xray"):
        run_kedro(
            engineered_copy, "data_engineering", params={"seed": 8}, only_missing_outputs=True
        )
    after = files_of(engineered_copy)
    assert after == of_seed_8
    assert changed_files(before, after) == {
        f"05_model_input/phantom_study/{name}"
        for name in (
            "splits.csv",
            "splits.parquet",
            "augmentation_plan.parquet",
            "study_variants.parquet",
            "augmented_images.npy",
            "augmented_masks.npy",
        )
    }
    told = [record.message for record in caplog.records if "made again" in record.message]
    assert told == ["6 of 16 outputs are made again: parameters.splitting.seed 2025 -> 8"]


def test_imported_splits_count_by_the_content_of_their_file(engineered_copy, run_kedro, caplog):
    file = engineered_copy / "given.csv"
    saved = engineered_copy / "data/05_model_input/phantom_study/splits.csv"

    def run_with(text):
        file.write_text(text, "utf-8")
        caplog.clear()
        with caplog.at_level(logging.INFO):
            params = {"split_path": str(file)}
            run_kedro(engineered_copy, "data_engineering", params=params, only_missing_outputs=True)
        return pd.read_csv(saved)["kept"].sum()

    drawn, before = saved.read_text("utf-8"), files_of(engineered_copy)
    n_kept = run_with(drawn)
    assert "6 of 16 outputs are made again: imported_splits (none -> " in caplog.text
    assert files_of(engineered_copy) == before
    page = engineered_copy / "data/08_reporting/phantom_study/data_engineering_page.md"
    assert "Splits: those of a file (" in page.read_text("utf-8")
    run_with(drawn)
    assert "Skipping all" in caplog.text
    assert run_with(drawn.replace("True", "False", 1)) == n_kept - 1
    assert "outputs are made again: imported_splits (" in caplog.text


@pytest.fixture
def change_code(monkeypatch):
    """Lets the code of a node's function count as another."""
    real = graph.code_record

    def change(changed):
        monkeypatch.setattr(
            graph,
            "code_record",
            lambda function: (
                real(function)
                | ({"sources": "other"} if inspect.unwrap(function) is changed else {})
            ),
        )

    return change


def test_changed_code_is_made_again_with_what_follows(
    engineered_copy, run_kedro, change_code, caplog
):
    change_code(nodes.measure_sharpness)
    with caplog.at_level(logging.INFO):
        run_kedro(engineered_copy, "data_engineering", only_missing_outputs=True)
    assert "2 of 16 outputs are made again: code of data_engineering.measure_sharpness" in (
        caplog.text
    )
    assert "Running 2 out of 8 nodes" in caplog.text


def test_inputs_of_other_code_are_used_with_a_warning(
    engineered_copy, run_kedro, change_code, caplog
):
    """What was made of them is made again once they are."""
    change_code(nodes.read_radiographs)
    with caplog.at_level(logging.WARNING, "covid_xray"):
        run_kedro(
            engineered_copy,
            "exploration",
            namespaces=["exploration.description"],
            only_missing_outputs=True,
        )
    assert "other code than today's (code of data_engineering.read_radiographs)" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO, "covid_xray"):
        run_kedro(
            engineered_copy,
            "data_engineering",
            "exploration",
            to_outputs=["figure_2_class_counts"],
            only_missing_outputs=True,
        )
    assert "made again: code of data_engineering.read_radiographs" in caplog.text


@pytest.mark.parametrize("pipeline", ["data_engineering", "modeling"])
def test_another_protocol_is_refused_and_kept_under_another_name(
    engineered_copy, run_kedro, pipeline
):
    before = files_of(engineered_copy)
    with pytest.raises(OtherStudyError, match="study_name=phantom_study_published"):
        run_kedro(engineered_copy, pipeline, params={"protocol": "published"})
    assert files_of(engineered_copy) == before
    both = {"protocol": "published", "study_name": "phantom_study_published"}
    run_kedro(engineered_copy, "data_engineering", params=both)
    assert files_of(engineered_copy) == before
    plan = "data/05_model_input/phantom_study_published/augmentation_plan.parquet"
    assert "test" in set(pd.read_parquet(engineered_copy / plan)["split"])


def test_inputs_of_another_seed_are_refused(engineered_copy, run_kedro):
    with pytest.raises(StaleInputError) as error:
        run_kedro(engineered_copy, "modeling", params={"seed": 8})
    message = str(error.value)
    assert "study_variants: parameters.splitting.seed 2025 -> 8" in message
    assert "kedro run --pipelines data_engineering --env test --params seed=8" in message
    assert not (engineered_copy / "data/06_models").exists()


def test_an_output_without_a_record_is_not_trusted(engineered_copy, run_kedro, caplog):
    records = engineered_copy / "data/08_reporting/phantom_study/records"
    (records / "splits.json").unlink()
    (records / "images.json").unlink()
    (records / "images.json").write_text("{half")
    with pytest.raises(StaleInputError, match="images: no record of what made it"):
        run_kedro(engineered_copy, "modeling")
    with caplog.at_level(logging.INFO, "covid_xray"):
        run_kedro(engineered_copy, "data_engineering", only_missing_outputs=True)
    assert "outputs are made again: no record of what made it" in caplog.text
    assert (records / "splits.json").is_file()


def test_only_one_run_at_a_time_writes_to_a_study(engineered_copy, run_kedro):
    lock = engineered_copy / "data/08_reporting/phantom_study/records/.lock"
    hold = "import filelock, sys; l = filelock.FileLock(sys.argv[1]); l.acquire(); print(); input()"
    command = [sys.executable, "-c", hold, str(lock)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdout.readline()
    before = files_of(engineered_copy)
    with pytest.raises(BusyStudyError, match="Another run is writing the outputs of 'phantom_st"):
        run_kedro(engineered_copy, "data_engineering", params={"seed": 8})
    assert files_of(engineered_copy) == before
    run_kedro(engineered_copy, "data_engineering", params={"study_name": "apart"})
    other.kill()  # a killed run holds nothing
    other.communicate()
    run_kedro(engineered_copy, "data_engineering")
    assert files_of(engineered_copy) == before


def test_a_refused_or_failed_run_frees_the_study(engineered_copy, run_kedro):
    with pytest.raises(StaleInputError):
        run_kedro(engineered_copy, "modeling", params={"seed": 8})
    plan = engineered_copy / "data/01_raw/phantom_study/plan.json"
    plan.unlink()  # a link to the shared project's
    plan.write_text("{}")
    with pytest.raises(DatasetError, match="another phantom study"):
        run_kedro(engineered_copy, "data_engineering")
    lock = engineered_copy / "data/08_reporting/phantom_study/records/.lock"
    take = "import filelock, sys; filelock.FileLock(sys.argv[1]).acquire(timeout=0)"
    subprocess.run([sys.executable, "-c", take, str(lock)], check=True)


def test_processes_without_records_are_refused(engineered_copy, run_kedro):
    with pytest.raises(RunnerError, match="ParallelRunner does not serve"):
        run_kedro(engineered_copy, "data_engineering", runner=ParallelRunner())


def test_threads_change_no_result_or_are_refused(engineered_copy, run_kedro):
    before = files_of(engineered_copy)
    with pytest.raises(RunnerError, match="ThreadRunner would change results"):
        run_kedro(engineered_copy, "modeling", runner=ThreadRunner())
    run_kedro(engineered_copy, "data_engineering", runner=ThreadRunner())
    assert files_of(engineered_copy) == before


def test_raw_data_may_go_when_its_arrays_are_there(engineered_copy, run_kedro, caplog):
    shutil.rmtree(engineered_copy / "data/01_raw/phantom_study")
    with caplog.at_level(logging.INFO):
        run_kedro(engineered_copy, "data_engineering", only_missing_outputs=True)
    assert "Skipping all 8 nodes" in caplog.text
    assert not (engineered_copy / "data/01_raw/phantom_study").exists()


def test_what_a_killed_run_left_half_written_goes(engineered_copy, run_kedro):
    arrays = engineered_copy / "data/02_intermediate/phantom_study"
    (arrays / ".images.0123.partial.npy").write_bytes(b"half")
    run_kedro(engineered_copy, "data_engineering", only_missing_outputs=True)
    assert not list(arrays.glob(".*"))
