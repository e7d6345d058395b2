"""Runs: each kept whole or not at all, trained only where it is lacking, read as long tables."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.records import changes
from covid_xray.training.runs import (
    Run,
    RunError,
    RunPlan,
    RunStore,
    TrainedRun,
    join_runs,
    tabulate_runs,
    train_runs,
)
from support.runs import IMAGES, ROWS, TRAINING
from support.transfer import build_tiny

NAMES = ["first", "second", "third"]
SOURCES = "covid_xray.training.targets"


class KilledError(Exception):
    """Stands for a kill in the middle of a save."""


class Killer:
    """A classifier whose saving is killed when half of it is written."""

    def save(self, path):
        path.write_bytes(b"half a model")
        raise KilledError


def plan(*names, **seeds):
    return RunPlan({name: {"seed": seeds.get(name, 1)} for name in names or NAMES})


def trained(name, classifier=None, loss=0.5, **row):
    history = pd.DataFrame({"epoch": [0, 1], "loss": [1.0, loss]})
    predictions = pd.DataFrame({"image_id": ["a"], "predicted": ["COVID"], "probability": [loss]})
    row = {"backbone": "tiny", "run": name, "best_epoch": 1, "note": ""} | row
    return TrainedRun(name, row, history, predictions, classifier)


def untrained(name):
    row = {"backbone": "tiny", "run": name, "best_epoch": None, "note": "no COVID"}
    nothing = pd.DataFrame(columns=["image_id", "predicted"])
    return TrainedRun(name, row, pd.DataFrame(columns=["epoch"]), nothing, None)


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return RunStore(tmp_path / "models/tiny")


@pytest.fixture
def full(store):
    """A store of three runs without classifiers."""
    store.begin(plan(), anew=False)
    for name in NAMES:
        store.keep(trained(name))
    return store


def test_a_runs_setting_is_its_facts_training_and_weights():
    run = Run("x", ROWS, TRAINING, {"COVID": 2}, {"variant": "balanced", "fold": 3})
    assert run.setting() == {
        "variant": "balanced",
        "fold": 3,
        **TRAINING.model_dump(),
        "weight_COVID": 2,
    }


RUN = Run("x", ROWS, TRAINING, {"COVID": 2}, {"variant": "balanced"})
OTHERS = {
    "setting.learning_rate 0.001 -> 0.1": Run(
        "x", ROWS, TRAINING.model_copy(update={"learning_rate": 0.1}), {"COVID": 2}, RUN.facts
    ),
    "setting.weight_COVID 2 -> 3": Run("x", ROWS, TRAINING, {"COVID": 3}, RUN.facts),
    "setting.variant balanced -> raw": Run("x", ROWS, TRAINING, {"COVID": 2}, {"variant": "raw"}),
}


@pytest.mark.parametrize("told", OTHERS)
def test_a_changed_setting_shows_in_the_runs_record(told):
    assert changes(RUN.record(SOURCES), OTHERS[told].record(SOURCES)) == [told]


def test_changed_rows_code_and_activations_show_in_the_record():
    record = RUN.record(SOURCES, activations={"images": "9c"})
    assert RUN.record(SOURCES, activations={"images": "9c"}) == record
    fewer = Run("x", ROWS[1:], TRAINING, {"COVID": 2}, RUN.facts)
    cases = {
        "rows": fewer.record(SOURCES, activations={"images": "9c"}),
        "sources": RUN.record("covid_xray.split", activations={"images": "9c"}),
        "activations.images": RUN.record(SOURCES, activations={"images": "9d"}),
    }
    for name, other in cases.items():
        (told,) = changes(record, other)
        assert told.startswith(f"{name} ")
    assert {"keras", "tensorflow", "numpy"} <= {name.split(".")[-1] for name in record}


def test_only_the_runs_that_are_lacking_are_trained_in_order():
    runs = [Run(name, ROWS, TRAINING) for name in NAMES]
    done = []

    def train(run):
        done.append(run.name)
        return trained(run.name)

    steps = train_runs(runs, record=lambda run: {"name": run.name}, train=train)
    first = next(steps)
    assert first.records == {name: {"name": name} for name in NAMES}
    assert done == [], "a run was trained before the store said what it has"
    first.kept.add("second")
    assert [step.name for step in steps] == done == ["first", "third"]


def test_a_store_is_complete_with_the_last_run_of_its_plan(store):
    assert not store.is_complete()
    store.begin(plan(), anew=False)
    for name in NAMES:
        assert not store.is_complete()
        with pytest.raises(RunError, match=f"lacks the runs .*{name}"):
            store.open()
        store.keep(trained(name))
    assert store.is_complete()
    assert sorted(path.name for path in store.folder.iterdir()) == sorted([*NAMES, "plan.json"])


def test_a_store_without_a_plan_says_how_to_fill_it(store):
    with pytest.raises(RunError, match=r"of any plan.*--only-missing-outputs"):
        store.open()


def test_runs_come_back_as_long_tables_in_the_plans_order(store):
    names = ["10", "9", "1"]
    store.begin(plan(*names), anew=False)
    for name in reversed(names):
        store.keep(trained(name, loss=float(name), weight_COVID=2))
    runs, histories, predictions = tabulate_runs(store.open())
    assert runs["run"].tolist() == names
    assert runs["weight_COVID"].tolist() == [2, 2, 2]
    for table, n in ((histories, 2), (predictions, 1)):
        assert table.columns[:2].tolist() == ["backbone", "run"]
        assert table["run"].tolist() == [name for name in names for _ in range(n)]
        assert (table["backbone"] == "tiny").all()
    assert histories["loss"].tolist() == [1, 10, 1, 9, 1, 1]
    assert predictions["probability"].tolist() == [10, 9, 1]


def test_each_classifier_is_loaded_by_its_runs_name(store):
    models = {name: build_tiny(seed=seed) for seed, name in enumerate(NAMES)}
    store.begin(plan(), anew=False)
    for name, model in models.items():
        store.keep(trained(name, model))
    kept = store.open()
    assert list(kept) == NAMES and len(kept) == 3
    radiographs = IMAGES[:3, ..., None].astype("float32")
    for name, model in models.items():
        np.testing.assert_array_equal(
            kept[name](radiographs, training=False), model(radiographs, training=False)
        )
    with pytest.raises(KeyError, match="'fourth'; there are first, second, third"):
        kept["fourth"]


def test_an_untrained_run_is_a_row_with_a_note(store):
    store.begin(plan(), anew=False)
    for run in (trained("first", build_tiny()), untrained("second"), trained("third")):
        store.keep(run)
    kept = store.open()
    assert kept.runs["note"].tolist() == ["", "no COVID", ""]
    assert kept.runs["best_epoch"].isna().tolist() == [False, True, False]
    assert list(kept) == ["first"]
    with pytest.raises(KeyError, match="No classifier of a run 'second'"):
        kept["second"]
    # It has no rows, and leaves the types of the others alone.
    assert kept.predictions["run"].tolist() == ["first", "third"]
    assert kept.histories["epoch"].dtype == np.int64
    assert kept.predictions["probability"].dtype == np.float64


def test_tables_of_untrained_runs_alone_are_empty(store):
    store.begin(plan("first", "second"), anew=False)
    for name in ("first", "second"):
        store.keep(untrained(name))
    _, histories, predictions = tabulate_runs(store.open())
    assert histories.empty and predictions.empty
    assert predictions.columns.tolist() == ["backbone", "run", "image_id", "predicted"]


def test_a_run_killed_while_it_is_saved_does_not_count(store):
    store.begin(plan(), anew=False)
    store.keep(trained("first"))
    with pytest.raises(KilledError):
        store.keep(trained("second", Killer()))
    assert store.lacking() == ["second", "third"]
    # The next one begins as the kill left it.
    again = plan()
    store.begin(again, anew=False)
    assert again.kept == {"first"}
    assert sorted(path.name for path in store.folder.iterdir()) == ["first", "plan.json"]


def test_a_kill_while_a_run_is_replaced_leaves_the_old_one(full):
    with pytest.raises(KilledError):
        full.keep(trained("second", Killer(), loss=9.0))
    assert full.is_complete()
    assert full.open().histories["loss"].max() == 1.0


def test_a_changed_record_makes_that_run_alone_stale(full):
    changed = plan(second=2)
    full.begin(changed, anew=False)
    assert changed.kept == {"first", "third"}
    assert not full.is_complete()
    full.keep(trained("second", loss=7.0))
    assert full.is_complete()
    assert full.open().predictions["probability"].tolist() == [0.5, 7.0, 0.5]


def test_training_anew_keeps_nothing_back(full):
    anew = plan()
    full.begin(anew, anew=True)
    assert anew.kept == set()


def test_runs_that_are_no_longer_planned_vanish(full):
    fewer = plan("third", "fourth")
    full.begin(fewer, anew=False)
    assert fewer.kept == {"third"}
    assert sorted(path.name for path in full.folder.iterdir()) == ["plan.json", "third"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "../up", ".hidden", "_own", "a\nb", "a:b"])
def test_names_that_can_be_no_folders_are_refused(full, name):
    with pytest.raises(RunError, match="kept in folders of their names"):
        full.begin(plan("first", name), anew=False)
    assert full.is_complete(), "a refused plan changed the store"


@pytest.mark.parametrize("name", ["0", "SVM, 2 classes", "threshold=0.5", "poids_élevé"])
def test_names_may_be_words_and_numbers(store, name):
    store.begin(plan(name), anew=False)
    store.keep(trained(name))
    assert store.open().runs["run"].tolist() == [name]


def test_tables_of_stores_are_joined_kind_by_kind():
    runs, predictions = join_runs(
        vgg19_runs=pd.DataFrame({"backbone": ["vgg19"], "weight_COVID": [1]}),
        vgg19_predictions=pd.DataFrame({"image_id": ["a", "b"]}),
        mobilenet_fold_runs=pd.DataFrame({"backbone": ["mobilenet"] * 2, "weight_Normal": [2, 3]}),
        mobilenet_fold_predictions=pd.DataFrame({"image_id": ["c"]}),
    )
    assert runs["backbone"].tolist() == ["vgg19", "mobilenet", "mobilenet"]
    assert runs.index.tolist() == [0, 1, 2]
    assert runs["weight_COVID"].isna().tolist() == [False, True, True]
    assert predictions["image_id"].tolist() == ["a", "b", "c"]
