"""What a run says: a line per pipeline, warnings, and nothing of others unless it is asked for."""

import logging
import os
import subprocess
import sys

import pytest
from kedro.pipeline import Pipeline

from covid_xray import console
from covid_xray.console import ProgressHooks
from covid_xray.progress import OwnLines, keep_brief
from covid_xray.steps import box, step
from covid_xray.studies.questions import rest_of
from support.command_line import kedro

PIPELINE = Pipeline(
    [
        box("early", step(rest_of, "a", "first", target="given")),
        box("late", step(rest_of, "b", "second", target="a")),
    ]
)


@pytest.mark.parametrize(
    ("name", "level", "message", "shown"),
    [
        ("covid_xray.console", logging.INFO, "modeling is done", True),
        ("kedro.runner", logging.INFO, "Running node", False),
        ("kedro.runner", logging.WARNING, "odd", True),
        ("covid_xray_other", logging.INFO, "words", False),
        ("tensorflow", logging.WARNING, "calls triggered tf.function retracing", False),
        ("tensorflow", logging.WARNING, "odd", True),
    ],
)
def test_own_lines_and_warnings_are_shown(name, level, message, shown):
    record = logging.LogRecord(name, level, "file", 1, message, None, None)
    assert OwnLines().filter(record) == shown


def test_only_the_brief_handler_leaves_lines_out_and_once(monkeypatch):
    brief, other = logging.StreamHandler(), logging.StreamHandler()
    brief.name = "brief"
    monkeypatch.setattr(logging.getLogger(), "handlers", [brief, other])
    keep_brief()
    keep_brief()
    assert [type(f) for f in brief.filters] == [OwnLines]
    assert other.filters == []


def test_a_line_tells_when_a_pipeline_is_done_and_what_is_left(monkeypatch, caplog):
    times = iter([0, 0, 70, 70, 75, 75])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(times))
    hooks = ProgressHooks()
    hooks.before_pipeline_run({"only_missing_outputs": False}, PIPELINE, None)
    with caplog.at_level(logging.INFO, "covid_xray"):
        for node in PIPELINE.nodes:
            hooks.before_node_run(node)
        hooks.after_pipeline_run()
    assert caplog.messages == [
        "early is done (1 min 10 s). 1 of 2 nodes, 1 min 10 s so far",
        "late is done (5 s). 2 of 2 nodes, 1 min 15 s so far",
    ]


def test_native_noise_is_kept_from_the_terminal_and_shown_with_an_error():
    code = """
import os, sys
from covid_xray.progress import quiet_stderr
with quiet_stderr():
    os.write(2, b"start-up notes")
os.write(2, b"after. ")
with quiet_stderr():
    os.write(2, b"the cause. ")
    raise SystemExit(3)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "after. the cause. ")


@pytest.mark.slow
def test_a_run_is_brief_unless_everything_is_asked_for(project):
    run = ("run", "--env", "test", "--pipelines", "data_engineering")
    brief = kedro(project, *run)
    assert brief.returncode == 0, brief.stderr
    assert "data_engineering is done (" in brief.stdout
    assert "8 of 8 nodes" in brief.stdout
    assert "Running node" not in brief.stdout and "Saving data" not in brief.stdout
    everything = {**os.environ, "KEDRO_LOGGING_CONFIG": "conf/logging_verbose.yml"}
    verbose = kedro(project, *run, "--only-missing-outputs", env=everything)
    assert "Skipping all" in verbose.stdout
