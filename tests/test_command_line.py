"""Fresh processes, as a user starts them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

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


def kedro(project, *arguments):
    return subprocess.run(
        [sys.executable, "-c", KEDRO, *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [("registry", "list"), ("run", "--pipelines", "data_engineering", "--env", "test")],
)
def test_what_needs_no_model_loads_no_tensorflow(project, arguments):
    result = kedro(project, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "tensorflow not loaded" in result.stdout
    if arguments[0] == "run":
        # The augmented children are there all the same: other processes made them.
        assert (project / "data/05_model_input/phantom_study/augmented_images.npy").stat().st_size
    else:
        assert "data_engineering" in result.stdout


def test_a_run_killed_in_training_continues_to_the_same_tables(project, finished):
    """The grid of MobileNet, its figures and all tables are to be made; the rest is there."""
    shutil.copytree(finished / "data", project / "data", dirs_exist_ok=True)
    model = "data/07_model_output/phantom_study/mobilenet"
    for folder in ("06_models", "07_model_output", "08_reporting"):
        shutil.rmtree(project / f"data/{folder}/phantom_study/mobilenet")
    for table in (project / "data/08_reporting/phantom_study").glob("table*"):
        table.unlink()
    command = [sys.executable, "-c", KEDRO, "run", "--env", "test", "--only-missing-outputs"]
    with (project / "run.log").open("w") as log:
        run = subprocess.Popen(command, cwd=project, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 240
        while not (project / model / "covid_weight_1/summary.json").exists():
            assert run.poll() is None and time.monotonic() < deadline, "the run did not get there"
            time.sleep(0.05)
        run.kill()
        run.wait()
    assert not (project / model / "covid_weight_3/summary.json").exists()
    result = kedro(project, "run", "--env", "test", "--only-missing-outputs")
    assert result.returncode == 0, result.stdout + result.stderr
    for name in ("table_1.csv", "table_5.csv", "tables.md"):
        table = f"data/08_reporting/phantom_study/{name}"
        assert (project / table).read_bytes() == (finished / table).read_bytes()


def test_a_missing_study_ends_with_its_remedy_as_the_last_words(project):
    result = kedro(project, "run", "--env", "study", "--params", "study_path=nowhere")
    assert result.returncode != 0
    assert "There is no study at" in result.stdout + result.stderr
    assert "study_path=FOLDER" in result.stdout + result.stderr
