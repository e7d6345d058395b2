"""`kedro status`: when and from what each output was made, and whether it is current."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from covid_xray.absence import NotMade
from covid_xray.cli import cli
from support.command_line import kedro


@pytest.fixture
def status(monkeypatch):
    """What `kedro status` says in a project."""

    def run(project, *arguments):
        monkeypatch.chdir(project)
        bootstrap_project(project)
        return CliRunner().invoke(cli, ["status", "--env", "test", *arguments])

    return run


def states(output):
    """The state of each output, by its name."""
    lines = [line.split(maxsplit=1) for line in output.splitlines() if line.count("  ")]
    return {name: rest.split("  ")[-1] for name, rest in lines if name != "output"}


def test_every_output_is_listed_with_its_state(engineered, status):
    result = status(engineered)
    found = states(result.output)
    assert found["splits"] == found["images"] == found["table_1"] == "current"
    assert found["table_5"] == found["unet"] == "not there"
    assert len(found) > 150
    assert max(map(len, result.output.splitlines())) <= 100


def test_what_is_stale_says_why(engineered, status):
    found = states(status(engineered, "--params", "seed=8").output)
    assert found["augmented_images"] == "stale: parameters.splitting.seed 2025 -> 8"
    assert found["images"] == "current"


def test_an_output_tells_what_it_was_made_of(engineered, status):
    told = status(engineered, "splits").output
    assert told.startswith("splits: current\nMade 20")
    assert "by data_engineering.split_study." in told
    assert "Study: phantom_study (128 files, " in told
    assert "    parameters.splitting.seed: 2025\n" in told
    assert "    inputs.duplicate_groups: " in told


def test_what_the_study_can_not_have_is_told_with_the_reason(engineered_copy, status, load_catalog):
    load_catalog(engineered_copy).get("table_1").save_not_made(NotMade("there are no files."))
    assert states(status(engineered_copy).output)["table_1"] == "current, not made"
    told = status(engineered_copy, "table_1").output
    assert told.startswith("table_1: current, not made\nNot made: there are no files.\n")


def test_an_unknown_output_is_refused(engineered, status):
    result = status(engineered, "splitz")
    assert result.exit_code == 2
    assert "'splitz' is no output of a pipeline" in result.output


def test_a_project_without_outputs_says_so_and_makes_none(project, status):
    result = status(project)
    assert result.exit_code == 1
    assert "Nothing of 'phantom_study' was made yet" in result.output
    assert not (project / "data/01_raw/phantom_study").exists()


@pytest.mark.slow
def test_it_is_a_command_of_kedro(engineered):
    result = kedro(engineered, "status", "images", "--env", "test")
    assert result.returncode == 0, result.stderr
    assert "images: current" in result.stdout
    assert "tensorflow not loaded" in result.stdout
