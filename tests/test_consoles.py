"""Consoles and locales that lack a character stop no run, and pages are UTF-8 everywhere."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from markdown_it import MarkdownIt

from support.command_line import kedro
from support.project import make_project

pytestmark = pytest.mark.slow

# Markup, accents, and a sign that cp1252 lacks.
NAME = "<b>santé→|*y*_"
CP1252 = {"PYTHONIOENCODING": "cp1252"}
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def make_spaced_project(tmp_path, phantom):
    """Make a project, in a folder of some name, whose study has a class of an awkward name."""

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        project = make_project(folder)
        shutil.copy(project / "conf/test/parameters.yml", project / "conf/study")
        classes = {"COVID": "COVID", NAME: "Normal"}
        settings = json.dumps({"study_name": "study", "classes": classes})
        (project / "conf/study/globals.yml").write_text(settings, "utf-8")
        shutil.copytree(phantom[0], project / "data/01_raw/study")
        return project

    return make


@pytest.mark.parametrize(
    ("folder", "variables"),
    [("my x-rays", C_LOCALE), ("Étude → 1", CP1252)],
    ids=["C", "cp1252"],
)
def test_a_poor_console_stops_no_run(make_spaced_project, folder, variables):
    project, env = make_spaced_project(folder), os.environ | variables
    options = {"env": env, "errors": "replace"}
    ran = kedro(project, "run", "--env", "study", "--pipeline", "data_engineering", **options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "UnicodeEncodeError" not in ran.stdout + ran.stderr
    told = kedro(project, "status", "--env", "study", "splits", **options)
    assert told.returncode == 0, told.stdout + told.stderr
    assert ("export PYTHONUTF8=1" in ran.stdout) == (variables == C_LOCALE)
    page = project / "data/08_reporting/study/data_engineering_page.md"
    html = MarkdownIt("commonmark").enable("table").render(page.read_text("utf-8"))
    assert "<td>&lt;b&gt;santé→|*y*_</td>" in html
