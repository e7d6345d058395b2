"""Fresh processes, as a user starts them."""

from __future__ import annotations

import subprocess
import sys

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


def test_a_missing_study_ends_with_its_remedy_as_the_last_words(project):
    result = kedro(project, "run", "--env", "study", "--params", "study_path=nowhere")
    assert result.returncode != 0
    assert "There is no study at" in result.stdout + result.stderr
    assert "study_path=FOLDER" in result.stdout + result.stderr
