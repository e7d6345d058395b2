"""What `make` does where a project may lie, and with the Python that is at hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import metadata

import pytest
from packaging.specifiers import SpecifierSet

from support.project import ROOT

# Stands in for uv, and for the programs of an environment: installing would take minutes and
# a network. It says who was called, for which environment, and with what.
PROGRAM = '#!/bin/sh\nprintf "%s\\n" "$0" "$VIRTUAL_ENV" "$@" --\n'
# A Python that takes itself for another version, and makes no environment.
OTHER_PYTHON = """#!/bin/sh
[ "$1" = -c ] || exit 0
exec '{executable}' -c 'import sys; sys.version_info = {version}; exec(sys.argv[2])' "$@"
"""


@pytest.fixture
def folder(tmp_path):
    """A copy of the project whose folder has a space in its name."""
    copy = tmp_path / "my x-rays"
    copy.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, copy)
    return copy


def write_program(path, text=PROGRAM):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return path


def make(folder, *arguments):
    command = ["make", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("uv", ["my tools/uv", ""])
def test_make_installs_into_a_spaced_folder(folder, uv):
    for name in ("python", "ruff", "mypy"):
        write_program(folder / ".venv/bin" / name)
    program, environment = ".venv/bin/python", ""
    if uv:
        program, environment = write_program(folder / uv), folder / ".venv"
    result = make(folder, "lint", f"UV={program if uv else ''}")
    assert result.returncode == 0, result.stderr
    module = "" if uv else "-m\n"
    assert f"\n{program}\n{environment}\n{module}pip\ninstall\n" in result.stdout


def test_clean_in_a_spaced_folder_takes_outputs_only(folder):
    outputs = [".venv", "data/01_raw/phantom_study", "data/02_intermediate/a study/x"]
    kept = ["data/01_raw/published", "x-rays", "data/02_intermediate"]
    for name in (*outputs, *kept):
        (folder / name).mkdir(parents=True, exist_ok=True)
    assert make(folder, "clean").returncode == 0
    assert [name for name in outputs if (folder / name).exists()] == []
    assert [name for name in kept if not (folder / name).exists()] == []


@pytest.mark.parametrize("minor", [10, 11, 12, 13, 14])
def test_make_names_the_python_to_install(folder, minor):
    text = OTHER_PYTHON.format(executable=sys.executable, version=(3, minor))
    python = write_program(folder.parent / "python", text)
    result = make(folder, ".venv/bin/python", f"PYTHON={python}")
    suits = f"3.{minor}" in SpecifierSet(requires_python())
    assert (result.returncode == 0) == suits
    assert ("make PYTHON=python3.13" in result.stderr) == (not suits)


def requires_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project["requires-python"]


def test_python_is_asked_for_as_far_as_tensorflow_goes():
    words = "Programming Language :: Python :: "
    classifiers = metadata("tensorflow").get_all("Classifier")
    theirs = {word.removeprefix(words) for word in classifiers if word.startswith(f"{words}3.")}
    versions = {f"3.{minor}" for minor in range(11, 30)}
    assert set(SpecifierSet(requires_python()).filter(versions)) == theirs & versions
