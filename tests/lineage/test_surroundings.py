"""Settings of Keras and Matplotlib on the machine: survived, or refused before the first node."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from support.command_line import kedro

pytestmark = pytest.mark.slow

CHECK = "from covid_xray.lineage.surroundings import check_surroundings; check_surroundings()"
# Draws with an axis, a legend and text, saves and reads back, as a node and the catalog do.
DRAW = """
from matplotlib.figure import Figure
from covid_xray.datasets.figures import MatplotlibDataset
figure = Figure()
figure.subplots().plot([1, 2], label="x")
figure.legend()
picture = MatplotlibDataset(filepath="figure.png")
picture.save(figure)
print(picture.load().stat().st_size)
"""


@pytest.fixture
def machine(tmp_path):
    """Run Python where Keras's settings and variables are these."""
    home = tmp_path / "keras"
    home.mkdir()

    def environment(settings, **variables):
        (home / "keras.json").write_text(json.dumps(settings), "utf-8")
        return os.environ | {"KERAS_HOME": str(home)} | variables

    return environment


def python(code, folder, env):
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize(
    ("settings", "variables", "remedy"),
    [
        ({"image_data_format": "channels_first"}, {}, "keras.json sets image_data_format"),
        ({"floatx": "float16"}, {}, "keras.json sets floatx to 'float16'"),
        ({"epsilon": 1}, {}, "Change it there to 1e-07"),
        (["tensorflow"], {}, "keras.json holds no settings of Keras: remove it"),
        ({}, {"KERAS_BACKEND": "jax"}, "Type `unset KERAS_BACKEND`, or set it to 'tensorflow'"),
        ({}, {"KERAS_MAX_EPOCHS": "1"}, "Type `unset KERAS_MAX_EPOCHS`"),
        ({}, {"MPLBACKEND": "agg2"}, "Type `unset MPLBACKEND`"),
    ],
)
def test_unsuitable_settings_are_refused(machine, tmp_path, settings, variables, remedy):
    result = python(CHECK, tmp_path, machine(settings, **variables))
    assert result.returncode != 0
    assert remedy in result.stderr.splitlines()[-1]


def test_settings_of_a_loaded_keras_are_refused(machine, tmp_path):
    settings = machine({"image_data_format": "channels_first"})
    result = python(f"import keras; {CHECK}", tmp_path, settings)
    assert "This session's Keras sets image_data_format" in result.stderr


def test_a_run_is_refused_before_its_first_node(machine, project):
    settings = machine({"image_data_format": "channels_first"})
    result = kedro(project, "run", "--env", "test", "--pipeline", "data_engineering", env=settings)
    assert result.returncode != 0
    assert "keras.json sets image_data_format to 'channels_first'" in result.stdout + result.stderr
    assert "Running node" not in result.stdout
    assert not list(project.glob("data/0[2-8]*"))


@pytest.mark.parametrize("variables", [{}, {"KERAS_BACKEND": ""}])
def test_keras_runs_on_tensorflow_whatever_its_file_says(machine, tmp_path, variables):
    result = python(
        f"{CHECK}; import keras; print(keras.config.backend())",
        tmp_path,
        machine({"backend": "torch"}, **variables),
    )
    assert result.stdout.split() == ["tensorflow"], result.stderr


@pytest.mark.parametrize("backend", ["", "TkAgg", "module://not_installed"])
def test_figures_need_no_window(machine, tmp_path, backend):
    variables = {"MPLBACKEND": backend, "DISPLAY": ""}
    result = python(f"{CHECK}\n{DRAW}", tmp_path, machine({}, **variables))
    assert int(result.stdout) > 0, result.stderr
