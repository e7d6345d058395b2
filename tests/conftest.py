"""Fixtures shared by all tests: a small phantom study, and a project to run Kedro in."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from xdist.scheduler import LoadScopeScheduling

from covid_xray.phantom.plan import PhantomPlan
from covid_xray.phantom.writing import write_phantom_study
from support.project import SHARED, make_project

SMALL_PLAN = PhantomPlan(images_per_class=12)


# A file whose tests ask for a finished project.
_OF_FINISHED = re.compile(r"[(, ](finished|finished_copy|engineered_afresh)[,)]")


@cache
def _group(file: str) -> str:
    """The tests that one process takes: those of a file, or all that need a finished project."""
    text = (Path(__file__).parents[1] / file).read_text("utf-8")
    return "finished" if _OF_FINISHED.search(text) else file


def pytest_collection_modifyitems(items):
    """What needs a finished project comes first: it takes longest, and suffers no other network."""

    def place(item):
        in_group = _group(item.nodeid.partition("::")[0]) == "finished"
        asks = {"finished", "engineered_afresh"} & set(item.fixturenames)
        return not in_group, not asks

    items.sort(key=place)


class GroupScheduling(LoadScopeScheduling):
    """Gives each group to one process, in the order of collection."""

    def _split_scope(self, nodeid):
        return _group(nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config, log):
    """Schedule by our own groups: xdist's marks have no effect under pytest 9.2."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    """A small phantom study (its folder) and its truth table; read only."""
    folder = tmp_path_factory.mktemp("study") / "phantom"
    write_phantom_study(folder, SMALL_PLAN)
    return folder, pd.read_csv(folder / "truth.csv", keep_default_na=False)


@pytest.fixture(scope="session")
def real_radiographs():
    """Folder of the real sample, when it lies beside the repository."""
    folder = SHARED / "radiographs"
    if not folder.is_dir():
        pytest.skip("the real sample (../shared/radiographs) is not here")
    return folder


@pytest.fixture(scope="session")
def imagenet_weights():
    """Folder of ImageNet weights, when it lies beside the repository."""
    folder = SHARED / "weights"
    if not folder.is_dir():
        pytest.skip("the ImageNet weights (../shared/weights) are not here")
    return folder


@pytest.fixture
def project(tmp_path):
    """An empty project, in which nothing was run."""
    return make_project(tmp_path)


@pytest.fixture(scope="session")
def run_kedro() -> Callable[..., dict[str, Any]]:
    """Run pipelines of a project in a real session, in this process."""

    def run(project: Path, *pipelines: str, env: str = "test", **options: Any) -> dict[str, Any]:
        runtime_params = options.pop("params", None)
        bootstrap_project(project)
        with KedroSession.create(project, env=env, runtime_params=runtime_params) as session:
            return session.run(pipeline_names=list(pipelines) or None, **options)

    return run


@pytest.fixture(scope="session")
def load_catalog() -> Callable[..., Any]:
    """The catalog of a project's environment, as a notebook gets it."""

    def load(project: Path, env: str = "test", params: dict[str, Any] | None = None) -> Any:
        bootstrap_project(project)
        with KedroSession.create(project, env=env, runtime_params=params) as session:
            return session.load_context().catalog

    return load


@pytest.fixture(scope="session")
def engineered(tmp_path_factory, run_kedro):
    """A project whose `data_engineering` was run on a small phantom study; read only."""
    project = make_project(tmp_path_factory.mktemp("engineered"))
    run_kedro(project, "data_engineering")
    return project


@pytest.fixture(scope="session")
def finished(tmp_path_factory, run_kedro):
    """A project in which everything was run; read only."""
    project = make_project(tmp_path_factory.mktemp("finished"))
    run_kedro(project)
    return project


@pytest.fixture
def finished_copy(tmp_path, finished):
    """A finished project to change: links, for files are replaced and never written in place."""
    return shutil.copytree(finished, tmp_path / "project", copy_function=os.link)


@pytest.fixture(scope="module")
def tiny_backbones():
    """Every backbone is the tiny classifier, which is built in a moment."""
    from support.transfer import build_tiny

    def build(_keras_name, *, n_classes, input_side, seed, **_):
        return build_tiny(side=input_side, n_classes=n_classes, seed=seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("covid_xray.training.transfer.build_classifier", build)
        yield
