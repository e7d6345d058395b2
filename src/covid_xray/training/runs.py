"""Runs: single trainings, each kept whole on disk before the next one begins."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from covid_xray.origin import Origin, stamp_model
from covid_xray.records import Record, digest, make_record, versions
from covid_xray.sources import source_digest
from covid_xray.training.settings import TrainingSettings
from covid_xray.whole import remove_folder, whole_folder, write_json

_PLAN, _RECORD, _SETTING = "plan.json", "record.json", "run.json"
_HISTORY, _PREDICTIONS, _CLASSIFIER = "history.parquet", "predictions.parquet", "classifier.keras"
_FOLDER_NAME = re.compile(r"[^\W_][\w.,=+ -]*")
_LIBRARIES = ("keras", "tensorflow", "numpy")


class RunError(ValueError):
    """A run that can't be kept or was not kept; the message names it."""


@dataclass(frozen=True)
class Run:
    """A training to be done.

    Attributes:
        name: its name, unique among the runs that share a trunk.
        rows: row list `array, row, image_id, group_id, label, split`.
        training: hyper-parameters.
        class_weights: weight of each class in the loss; those left out weigh 1.
        facts: what else sets it apart from other runs, such as its variant.
        lacks: what the study lacks for it, if anything: then it is not trained.
    """

    name: str
    rows: pd.DataFrame
    training: TrainingSettings
    class_weights: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    lacks: str = ""

    def setting(self) -> dict[str, Any]:
        """Its setting as columns of a table."""
        weights = {f"weight_{name}": weight for name, weight in self.class_weights.items()}
        return {**self.facts, **self.training.model_dump(), **weights}

    def record(self, sources: str, **facts: Any) -> Record:
        """What it will be made of.

        Args:
            sources: module of this package whose code trains it.
            **facts: what else goes into it, such as the record of its activations.
        """
        return make_record(
            setting=self.setting(),
            lacks=self.lacks,
            rows=digest(self.rows.to_csv(index=False).encode()),
            sources=source_digest(sources),
            versions=versions(*_LIBRARIES),
            **facts,
        )


@dataclass(frozen=True)
class TrainedRun:
    """A training that was done, or could not be done.

    Attributes:
        name: its name.
        row: its row of the table of runs.
        history: losses and scores by epoch.
        predictions: of the held-out radiographs.
        classifier: the Keras model with the best validation loss; None if it was not trained.
    """

    name: str
    row: Mapping[str, Any]
    history: pd.DataFrame
    predictions: pd.DataFrame
    classifier: Any


@dataclass(frozen=True)
class RunPlan:
    """The runs of one store: a node hands it over first, and learns which runs are there.

    Attributes:
        records: what each run will be made of, by name.
        kept: names of the runs that the store has already, made of the same.
    """

    records: Mapping[str, Record]
    kept: set[str] = field(default_factory=set)


def train_runs(
    runs: Sequence[Run],
    record: Callable[[Run], Record],
    train: Callable[[Run], TrainedRun],
) -> Iterator[RunPlan | TrainedRun]:
    """Train the runs that a store lacks, one by one.

    Args:
        runs: all runs of the store.
        record: what a run will be made of.
        train: trains it.

    Yields:
        The plan, in which the store marks what it has; then each run that it lacks, trained.
    """
    plan = RunPlan({run.name: record(run) for run in runs})
    yield plan
    for run in runs:
        if run.name not in plan.kept:
            yield train(run)


class RunStore:
    """A folder of runs: in a folder each its model, history, predictions, setting and record.

    Args:
        folder: where the runs are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, plan: RunPlan, *, anew: bool) -> None:
        """Make this the store's plan, and mark in it the runs that need no training.

        Args:
            plan: the runs that there will be; others in the folder are removed.
            anew: whether all of them are to be trained again.

        Raises:
            RunError: if a name can't be a folder's.
        """
        for name in plan.records:
            if not _FOLDER_NAME.fullmatch(name):
                raise RunError(
                    f"A run is called '{name}', but runs are kept in folders of their names: use "
                    "letters, digits and _ . , = + - only."
                )
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / _PLAN, plan.records)
        for folder in self.folder.iterdir():
            if folder.is_dir() and folder.name not in plan.records:
                remove_folder(folder)
        if not anew:
            plan.kept.update(set(plan.records) - set(self.lacking()))

    def keep(self, run: TrainedRun, origin: Origin | None = None) -> None:
        """Write a run; its folder appears whole or not at all.

        Args:
            run: the run.
            origin: where it comes from, for the model's file.
        """
        record = self._plan()[run.name]
        with whole_folder(self.folder / run.name) as folder:
            write_json(folder / _SETTING, run.row)
            run.history.to_parquet(folder / _HISTORY)
            run.predictions.to_parquet(folder / _PREDICTIONS)
            if run.classifier is not None:
                run.classifier.save(folder / _CLASSIFIER)
                stamp_model(folder / _CLASSIFIER, origin)
            write_json(folder / _RECORD, record)

    def lacking(self) -> list[str]:
        """Names of planned runs that are not there, or that something else made."""
        return [
            name
            for name, record in self._plan().items()
            if _read_json(self.folder / name / _RECORD) != record
        ]

    def is_complete(self) -> bool:
        """Whether every run of the plan is there."""
        return (self.folder / _PLAN).is_file() and not self.lacking()

    def open(self) -> KeptRuns:
        """All runs, to be read.

        Raises:
            RunError: if some are missing.
        """
        lacking = self.lacking()
        if lacking or not self._plan():
            raise RunError(
                f"{self.folder} lacks the runs {', '.join(lacking) or 'of any plan'}. "
                "`kedro run --only-missing-outputs` trains what is missing."
            )
        return KeptRuns(self.folder, list(self._plan()))

    def _plan(self) -> dict[str, Record]:
        return _read_json(self.folder / _PLAN) or {}


class KeptRuns(Mapping[str, Any]):
    """Runs on disk: their tables, and each one's classifier by the run's name.

    Args:
        folder: folder of a `RunStore`.
        names: names of its runs, in the order of the plan.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names = folder, list(names)

    def __getitem__(self, name: str) -> Any:
        """The classifier of a run, as it was saved.

        Raises:
            KeyError: if there is no such run, or it could not be trained.
        """
        path = self._folder / name / _CLASSIFIER
        if name not in self._names or not path.is_file():
            raise KeyError(f"No classifier of a run '{name}'; there are {', '.join(self)}.")
        from covid_xray.models.loading import load_model

        return load_model(path)

    def __iter__(self) -> Iterator[str]:
        """Names of the runs that have a classifier."""
        return (name for name in self._names if (self._folder / name / _CLASSIFIER).is_file())

    def __len__(self) -> int:
        """Number of runs that have a classifier."""
        return sum(1 for _ in self)

    @property
    def runs(self) -> pd.DataFrame:
        """A row per run: its setting, sizes, best epoch, weights used, and note."""
        return pd.DataFrame([_read_json(self._folder / name / _SETTING) for name in self._names])

    @property
    def histories(self) -> pd.DataFrame:
        """A row per epoch of a run: `backbone, run, epoch`, losses and scores."""
        return self._joined(_HISTORY)

    @property
    def predictions(self) -> pd.DataFrame:
        """A row per held-out radiograph of a run, `backbone, run` first."""
        return self._joined(_PREDICTIONS)

    def _joined(self, file: str) -> pd.DataFrame:
        tables = [pd.read_parquet(self._folder / name / file) for name in self._names]
        for table, (_, run) in zip(tables, self.runs.iterrows(), strict=True):
            table.insert(0, "backbone", run["backbone"])
            table.insert(1, "run", run["run"])
        # A run that was not trained has no rows, and would blur the columns' types.
        return pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)


def tabulate_runs(classifiers: KeptRuns) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The long tables of a store: its runs, their histories and their predictions."""
    return classifiers.runs, classifiers.histories, classifiers.predictions


def join_runs(**tables: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    """Long tables over several stores.

    Args:
        **tables: `<store>_<kind>`, such as `mobilenet_runs`.

    Returns:
        One table of each kind, in the order of the first store's, rows in the order of the stores.
    """
    by_kind: dict[str, list[pd.DataFrame]] = {}
    for name, table in tables.items():
        by_kind.setdefault(name.rpartition("_")[2], []).append(table)
    return tuple(pd.concat(of_kind, ignore_index=True) for of_kind in by_kind.values())


def _read_json(path: Path) -> dict[str, Any] | None:
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else None
