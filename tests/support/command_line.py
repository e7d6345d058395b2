"""Kedro's command line in a process of its own, as a user starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

# Runs Kedro's command line and says at the end whether TensorFlow was loaded.
KEDRO = """
import sys
from kedro.framework.cli.cli import main
sys.argv = ["kedro", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    code = end.code
print("TENSORFLOW LOADED" if "tensorflow" in sys.modules else "tensorflow not loaded")
sys.exit(code)
"""


def command(*arguments):
    return [sys.executable, "-c", KEDRO, *arguments]


def kedro(project, *arguments, **options):
    """Run a Kedro command in a project; `**options` are those of `subprocess.run`."""
    return subprocess.run(
        command(*arguments),
        cwd=project,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        **options,
    )


def run_until(project, path, *arguments):
    """Run Kedro in a project and kill it as soon as a file appears there."""
    with (project / "run.log").open("w") as log:
        run = subprocess.Popen(command(*arguments), cwd=project, stdout=log, stderr=log)
        deadline = time.monotonic() + 900
        while not (project / path).exists():
            assert run.poll() is None, (project / "run.log").read_text()
            assert time.monotonic() < deadline, "the run did not get there"
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
        run.wait()
