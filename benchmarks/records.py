"""What record-keeping costs: seconds in its hook over those of a whole run, and a repeated run."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kills import ROOT, new_project

from covid_xray.lineage.hooks import RecordHooks

HOOKS = (
    "after_context_created",
    "before_pipeline_run",
    "before_dataset_saved",
    "after_dataset_saved",
    "after_pipeline_run",
)


class Stopwatch:
    """Adds up the seconds that calls take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose calls are counted."""

        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - began

        return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to work; it must not exist")
    parser.add_argument("--project", type=Path, default=ROOT, help="whose configuration is run")
    parser.add_argument("--env", default="demo")
    options = parser.parse_args()
    project = new_project(options.project, options.folder)
    watch = Stopwatch()
    for name in HOOKS:
        setattr(RecordHooks, name, watch.timed(getattr(RecordHooks, name)))
    bootstrap_project(project)
    began = time.perf_counter()
    with KedroSession.create(project, env=options.env) as session:
        session.run()
    whole = time.perf_counter() - began
    print(f"Whole run: {whole:.0f} s, {watch.seconds:.1f} s of it in the hook of records, "
          f"that is {watch.seconds / whole:.1%}", flush=True)  # fmt: skip
    command = [sys.executable, "-m", "kedro", "run", "--env", options.env]
    began = time.perf_counter()
    subprocess.run([*command, "--only-missing-outputs"], cwd=project, check=True)
    print(f"The same again with --only-missing-outputs: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
