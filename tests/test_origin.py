"""Pages and models say where they come from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import joblib
import keras
import numpy as np
import pandas as pd
import pytest

import covid_xray.origin
from covid_xray.datasets import (
    ClassicalClassifiersDataset,
    CSVDataset,
    KerasModelDataset,
    KerasModelsDataset,
    PageDataset,
    ParquetDataset,
)
from covid_xray.origin import commit, describe_origin, model_origin, origin_of

ORIGIN = origin_of("my_study", "12 files, ab", {"protocol": "published", "seed": 7, "test": 0.2})
TOLD = ("my_study (12 files, ab)", "Protocol: published", "Seed: 7", f"keras {keras.__version__}")


def test_an_origin_in_words_names_study_protocol_seed_and_versions():
    for part in (*TOLD, f"commit {commit()}", f"numpy {np.__version__}"):
        assert part in describe_origin(ORIGIN)


def test_an_origin_in_words_tells_of_splits_that_a_file_gave():
    given = origin_of("my_study", "12 files, ab", {"protocol": "published", "seed": 7}, "cd12")
    assert "Splits: those of a file (cd12)." in describe_origin(given)
    assert "Splits" not in describe_origin(ORIGIN)


def test_a_page_ends_in_its_origin(tmp_path):
    dataset = PageDataset(filepath=str(tmp_path / "page.md"))
    dataset.save("# Page\n")
    assert dataset.load() == "# Page\n"
    dataset.origin = ORIGIN
    dataset.save("# Page\n")
    assert dataset.load() == f"# Page\n\n---\n\n{describe_origin(ORIGIN)}\n"


@pytest.mark.parametrize(("kind", "name"), [(CSVDataset, "t.csv"), (ParquetDataset, "t.parquet")])
def test_a_table_tells_its_origin(tmp_path, kind, name):
    table = pd.DataFrame({"label": ["COVID"], "n": [3]})
    dataset = kind(filepath=str(tmp_path / name))
    dataset.save(table)
    assert dataset.load().attrs == {}
    dataset.origin = ORIGIN
    dataset.save(table)
    loaded = dataset.load()
    assert loaded.equals(table)
    assert loaded.attrs["origin"] == ORIGIN
    assert table.attrs == {}


@pytest.mark.parametrize("kind", [KerasModelDataset, KerasModelsDataset])
def test_a_model_file_holds_its_origin_and_loads_as_before(tmp_path, kind):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    single = kind is KerasModelDataset
    dataset = kind(filepath=str(tmp_path / ("model.keras" if single else "models")))
    dataset.origin = ORIGIN
    dataset.save(model if single else {"cnn": model})
    loaded = dataset.load() if single else dataset.load()["cnn"]
    assert np.array_equal(loaded.get_weights()[0], model.get_weights()[0])
    assert model_origin(tmp_path / ("model.keras" if single else "models/cnn.keras")) == ORIGIN


def test_a_model_that_no_run_made_has_no_origin(tmp_path):
    dataset = KerasModelDataset(filepath=str(tmp_path / "model.keras"))
    dataset.save(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    assert model_origin(tmp_path / "model.keras") is None


def test_classical_classifiers_hold_their_origin(tmp_path):
    from sklearn.dummy import DummyClassifier

    path = tmp_path / "classifiers.joblib"
    dataset = ClassicalClassifiersDataset(filepath=str(path), backend="joblib")
    dataset.origin = ORIGIN
    dataset.save({"dummy": DummyClassifier()})
    assert joblib.load(path)["dummy"].origin == ORIGIN


# Says which commit an installed copy of the package belongs to.
COMMIT = """
import sys
sys.path.insert(0, sys.argv[1])
import covid_xray.origin
print(covid_xray.origin.commit())
"""


def test_a_package_in_somebody_elses_repository_has_no_commit(tmp_path):
    source = Path(covid_xray.origin.__file__).parent
    installed = tmp_path / "venv/covid_xray"
    installed.mkdir(parents=True)
    for name in ("__init__.py", "origin.py", "records.py"):
        (installed / name).write_bytes((source / name).read_bytes())
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "theirs"], check=True)

    def told():
        command = [sys.executable, "-c", COMMIT, str(installed.parent)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert told() == "unknown"
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "ours"], check=True)
    assert len(told()) >= 7
    assert "dirty" not in told()
    (installed / "origin.py").open("a").write("# changed\n")
    assert told().endswith("-dirty")


@pytest.mark.slow
def test_every_page_and_model_of_a_finished_project_tells_its_origin(finished):
    pages = sorted((finished / "data/08_reporting/phantom_study").glob("*.md"))
    models = sorted((finished / "data/06_models/phantom_study").rglob("*.keras"))
    assert len(pages) >= 7
    assert len(models) > 20
    for page in pages:
        last = page.read_text("utf-8").strip().splitlines()[-1]
        assert last.startswith("Study: phantom_study (128 files, ")
        assert "Protocol: leak_free. Seed: 2025. Made by covid_xray" in last
    origins = [model_origin(model) for model in models]
    assert all(origin["study"] == "phantom_study" for origin in origins)
    assert all(origin["protocol"] == "leak_free" for origin in origins)
