"""What holds for the repository as a whole."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from covid_xray.pipeline_registry import BY_NAME
from support.project import ROOT

SOURCE = ROOT / "src/covid_xray"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def imports_of(path):
    """Dotted names of everything a module imports."""
    for statement in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(statement, ast.Import):
            yield from (name.name for name in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield statement.module or ""


# From the ground up: a room stands on those before it. Rooms of one line do not know each other.
ROOMS = (
    ("split",),
    ("absence", "parameters", "progress", "records", "tables", "whole"),
    ("origin", "sources"),
    ("imaging",),
    ("evaluation",),
    ("studies", "phantom", "reduction"),
    ("models",),
    ("training",),
    ("figures", "pages"),
    ("datasets", "steps"),
    ("lineage",),
    ("pipelines",),
)
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
# Modules that stand on all of them.
ROOF = {
    "__init__",
    "__main__",
    "cli",
    "console",
    "data_docs",
    "hooks",
    "pipeline_registry",
    "settings",
}


def room_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_every_module_is_in_a_room():
    assert {room_of(path) for path in SOURCE.rglob("*.py")} - ROOF <= set(FLOOR)


@pytest.mark.parametrize("room", FLOOR)
def test_arrows_run_down_only(room):
    found = {
        (path.name, name)
        for path in SOURCE.rglob("*.py")
        if room_of(path) == room
        for name in imports_of(path)
        if name.startswith("covid_xray.")
        and (other := name.split(".")[1]) != room
        and FLOOR.get(other, len(ROOMS)) >= FLOOR[room]
    }
    assert found == set()


def test_no_pipeline_imports_another():
    pipelines_folder = SOURCE / "pipelines"
    found = {
        (str(path.relative_to(pipelines_folder)), name)
        for path in pipelines_folder.glob("*/*.py")
        for name in imports_of(path)
        if name.startswith("covid_xray.pipelines.") and name.split(".")[2] != path.parent.name
    }
    assert found == set()


@pytest.mark.parametrize(
    ("rooms", "unknown"),
    [
        (ROOMS[:-3], ("kedro",)),
        (ROOMS[:6], ("keras", "tensorflow")),
    ],
)
def test_lower_rooms_do_not_know_kedro_or_keras(rooms, unknown):
    low = {room for floor in rooms for room in floor}
    found = {
        (path.name, name)
        for path in SOURCE.rglob("*.py")
        if room_of(path) in low
        for name in imports_of(path)
        if name.split(".")[0] in unknown
    }
    assert found == set()


def test_reporting_reads_catalogued_datasets_only():
    below = ("covid_xray.imaging", "covid_xray.models", "covid_xray.datasets", "keras", "cv2")
    found = {
        name
        for path in (SOURCE / "pipelines/reporting").glob("*.py")
        for name in imports_of(path)
        if name.startswith(below)
    }
    assert found == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_carry_no_outputs(path):
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if "outputs" in cell]
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


# Runs a notebook's cells one after the other, in IPython, and stops at the first error.
RUN_CELLS = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        source = "".join(cell["source"]).replace("--env demo", "--env test")
        shell.run_cell(source).raise_error()
"""


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_run(path, finished):
    result = subprocess.run(
        [sys.executable, "-c", RUN_CELLS, str(path)],
        cwd=finished,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_lock_pins_every_dependency_and_names_no_host():
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines)
    pinned = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    wanted = {
        re.split(r"[<>=~!\[; ]", name)[0].lower() for name in project["dependencies"] + extras
    }
    assert wanted - pinned == set()


def test_nothing_is_installed_by_a_name_that_no_index_has():
    folders = [ROOT / name for name in ("src", "docs", "conf", "notebooks", "benchmarks")]
    files = [path for folder in folders for path in folder.rglob("*.*") if path.is_file()]
    files += [ROOT / "README.md", ROOT / "Makefile"]
    wrong = re.compile(rb"install[^\n]*covid[-_]xray\b(?!/)")
    assert [path.name for path in files if wrong.search(path.read_bytes())] == []


def test_usage_statistics_are_not_sent():
    assert yaml.safe_load((ROOT / ".telemetry").read_text("utf-8")) == {"consent": False}


def test_the_readme_lists_every_pipeline():
    bootstrap_project(ROOT)
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in pipelines:
        assert name == "__default__" or f"| `{name}` |" in readme


def test_some_pipelines_run_by_name_only():
    bootstrap_project(ROOT)
    usual = {node.name for node in pipelines["__default__"].nodes}
    for name in BY_NAME:
        assert pipelines[name].nodes
        assert not usual & {node.name for node in pipelines[name].nodes}
