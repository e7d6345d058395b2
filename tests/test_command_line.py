"""Fresh processes, as a user starts them."""

from __future__ import annotations

import pytest

from support.command_line import kedro, run_until
from support.project import make_project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engineered_afresh(tmp_path_factory):
    """A fresh project after `data_engineering`, and what that said."""
    project = make_project(tmp_path_factory.mktemp("fresh"))
    return project, kedro(project, "run", "--pipeline", "data_engineering", "--env", "test")


def assert_without_tensorflow(result):
    assert result.returncode == 0, result.stdout + result.stderr
    assert "tensorflow not loaded" in result.stdout


def test_listing_pipelines_loads_no_tensorflow(project):
    result = kedro(project, "registry", "list")
    assert_without_tensorflow(result)
    assert "data_engineering" in result.stdout


def test_data_engineering_loads_no_tensorflow(engineered_afresh):
    project, result = engineered_afresh
    assert_without_tensorflow(result)
    # The augmented images are there all the same: other processes made them.
    assert (project / "data/05_model_input/phantom_study/augmented_images.npy").stat().st_size


# The runs of EfficientNetB0, Table 5's and Figure 14's.
RUNS = [f"covid_weight_{weight}" for weight in range(1, 13)]
TABLES = (
    "07_model_output/phantom_study/classifier_predictions.csv",
    "08_reporting/phantom_study/figure_14_scores.csv",
    "08_reporting/phantom_study/table_5.csv",
)


def kept_runs(store):
    """When each run that is kept was written, by name."""
    return {path.parent.name: path.stat().st_mtime_ns for path in store.glob("[!.]*/record.json")}


def test_modeling_killed_in_its_runs_goes_on_to_the_same_tables(engineered_afresh, finished):
    """After `data_engineering` alone, and up to Table 5 and Figure 14."""
    project, _ = engineered_afresh
    store = project / "data/06_models/phantom_study/efficientnetb0"
    modeling = ("run", "--pipelines", "modeling", "--env", "test")
    run_until(project, store / "covid_weight_4/record.json", *modeling)
    before = kept_runs(store)
    assert 4 <= len(before) < 12, "the run was not killed in the middle"
    result = kedro(project, *modeling, "--only-missing-outputs")
    assert result.returncode == 0, result.stdout + result.stderr
    after = kept_runs(store)
    assert list(before.items()) == [(run, after[run]) for run in before]
    assert set(after) == set(RUNS)
    assert (project / "data/08_reporting/phantom_study/figure_14_class_weights.png").exists()
    for table in TABLES:
        assert (project / "data" / table).read_bytes() == (finished / "data" / table).read_bytes()


def test_a_missing_study_ends_with_its_remedy_as_the_last_words(project):
    result = kedro(project, "run", "--env", "study", "--params", "study_path=nowhere")
    assert result.returncode != 0
    assert "There is no study at" in result.stdout + result.stderr
    assert "study_path=FOLDER" in result.stdout + result.stderr
