"""A store of runs in a Kedro pipeline: saved run by run, gone on with, or trained anew."""

import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner

from covid_xray.datasets import CSVDataset, RunStoreDataset
from covid_xray.training.runs import Run, RunPlan, TrainedRun, tabulate_runs, train_runs
from support.runs import ROWS, TRAINING

NAMES = ["first", "second", "third"]


class Trainer:
    """Trains runs in no time, and notes which."""

    def __init__(self):
        self.done = []
        self.runs = [Run(name, ROWS, TRAINING) for name in NAMES]
        self.fails_at = ""

    def train(self, run):
        if run.name == self.fails_at:
            raise RuntimeError("out of memory")
        self.done.append(run.name)
        history = pd.DataFrame({"epoch": [0], "loss": [run.training.learning_rate]})
        predictions = pd.DataFrame({"image_id": ["a"], "predicted": ["COVID"]})
        row = {"backbone": "tiny", "run": run.name, **run.setting()}
        return TrainedRun(run.name, row, history, predictions, None)

    def node(self):
        yield from train_runs(self.runs, lambda run: run.record("covid_xray.split"), self.train)


class Project:
    """A pipeline that trains and tabulates, and its catalog."""

    def __init__(self, folder):
        self.trainer = Trainer()
        self.store = RunStoreDataset(filepath=str(folder / "tiny"))
        tables = ["tiny_runs", "tiny_histories", "tiny_predictions"]
        files = {name: CSVDataset(filepath=str(folder / f"{name}.csv")) for name in tables}
        self.catalog = DataCatalog({"tiny_classifiers": self.store} | files)
        self.pipeline = Pipeline(
            [
                Node(self.trainer.node, inputs=None, outputs="tiny_classifiers", name="train"),
                Node(tabulate_runs, inputs="tiny_classifiers", outputs=tables, name="tabulate"),
            ]
        )

    def run(self, *, only_missing_outputs=False):
        """What the project's hook says and Kedro's runner does; the runs that were trained."""
        self.trainer.done = []
        self.store.trains_anew = not only_missing_outputs
        SequentialRunner().run(
            self.pipeline, self.catalog, only_missing_outputs=only_missing_outputs
        )
        return self.trainer.done


@pytest.fixture
def project(tmp_path):
    """A project in which nothing was run."""
    return Project(tmp_path)


def test_a_generator_node_trains_and_saves_all_runs(project):
    assert not project.catalog.exists("tiny_classifiers")
    assert project.run() == NAMES
    assert project.catalog.exists("tiny_classifiers")
    assert project.catalog.load("tiny_runs")["run"].tolist() == NAMES
    assert project.catalog.load("tiny_predictions")["run"].tolist() == NAMES


def test_a_failed_run_is_gone_on_with_where_it_failed(project):
    project.trainer.fails_at = "second"
    with pytest.raises(RuntimeError, match="out of memory"):
        project.run()
    assert not project.catalog.exists("tiny_classifiers")
    with pytest.raises(DatasetError, match="lacks the runs second, third"):
        project.store.load()
    before = (project.store._filepath / "first/record.json").stat().st_mtime_ns
    project.trainer.fails_at = ""
    assert project.run(only_missing_outputs=True) == ["second", "third"]
    assert (project.store._filepath / "first/record.json").stat().st_mtime_ns == before
    assert project.catalog.load("tiny_histories")["run"].tolist() == NAMES


def test_a_finished_store_is_skipped_with_missing_outputs_only(project):
    project.run()
    assert project.run(only_missing_outputs=True) == []


def test_a_plain_run_trains_anew(project):
    project.run()
    assert project.run() == NAMES


def changed_rate(run):
    return Run(run.name, run.rows, run.training.model_copy(update={"learning_rate": 0.5}))


@pytest.mark.parametrize(
    "change", [changed_rate, lambda run: Run(run.name, run.rows[1:], run.training)]
)
def test_a_changed_setting_or_row_trains_that_run_alone(project, change):
    project.trainer.fails_at = "third"
    with pytest.raises(RuntimeError):
        project.run()
    project.trainer.fails_at = ""
    project.trainer.runs[0] = change(project.trainer.runs[0])
    assert project.run(only_missing_outputs=True) == ["first", "third"]


def test_changed_code_trains_every_run_again(project, monkeypatch):
    project.trainer.fails_at = "third"
    with pytest.raises(RuntimeError):
        project.run()
    project.trainer.fails_at = ""
    monkeypatch.setattr("covid_xray.training.runs.source_digest", lambda *_: "other code")
    assert project.run(only_missing_outputs=True) == NAMES


def test_runs_no_longer_planned_are_gone_from_the_tables(project):
    project.run()
    del project.trainer.runs[1]
    assert project.run() == ["first", "third"]
    assert project.catalog.load("tiny_runs")["run"].tolist() == ["first", "third"]
    assert not (project.store._filepath / "second").exists()


def test_a_name_that_can_be_no_folder_is_refused(project):
    project.trainer.runs[1] = Run("COVID/2", ROWS, TRAINING)
    with pytest.raises(DatasetError, match="A run is called 'COVID/2'"):
        project.run()
    assert project.trainer.done == []


def test_a_plan_alone_is_no_finished_store(tmp_path):
    store = RunStoreDataset(filepath=str(tmp_path / "tiny"))
    store.save(RunPlan({"first": {"seed": 1}}))
    assert not store.exists()
