"""Whole runs that end in the middle, killed or at a file-size limit, gone on with, and compared."""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
# What no seed repeats: how long a prediction took.
TIMES = ["ms_per_image"]
OTHER_SEED = ("--params", "seed=8")
RESUMED = "--only-missing-outputs"


def new_project(template: Path, folder: Path) -> Path:
    """An empty project with another's configuration and published tables."""
    folder.mkdir(parents=True)
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(template / name, folder / name)
    shutil.copytree(template / "conf", folder / "conf")
    shutil.copytree(template / "data/01_raw/published", folder / "data/01_raw/published")
    (folder / "src").mkdir()
    return folder


def start(project: Path, env: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    with (project / "run.log").open("ab") as log:
        command = [sys.executable, "-m", "kedro", "run", "--env", env, *arguments]
        return subprocess.Popen(command, cwd=project, stdout=log, stderr=log, **options)


def run(project: Path, env: str, *arguments: str) -> float:
    """Seconds of a whole run."""
    began = time.perf_counter()
    process = start(project, env, *arguments)
    if process.wait():
        raise SystemExit((project / "run.log").read_text("utf-8")[-3000:])
    return time.perf_counter() - began


def tables_of(project: Path) -> dict[str, Any]:
    """Every table and array that a project made; pages and pictures are drawn from these."""
    read: dict[str, Callable[[Path], Any]] = {
        ".csv": pd.read_csv,
        ".parquet": pd.read_parquet,
        ".npy": lambda path: np.load(path, mmap_mode="r"),
    }
    files = [path for path in project.glob("data/0[2-8]*/**/*") if path.suffix in read]
    return {str(path.relative_to(project)): read[path.suffix](path) for path in sorted(files)}


def differing(tables: dict[str, Any], others: dict[str, Any]) -> list[str]:
    """Names of tables that are not the same, bit for bit, or that only one side has."""
    return [
        name
        for name in sorted(tables.keys() | others.keys())
        if name not in tables or name not in others or not _same(tables[name], others[name])
    ]


def _same(table: Any, other: Any) -> bool:
    if isinstance(table, pd.DataFrame):
        return bool(table.drop(columns=TIMES, errors="ignore").equals(
            other.drop(columns=TIMES, errors="ignore")
        ))  # fmt: skip
    return np.array_equal(table, other, equal_nan=table.dtype.kind == "f")


def killed(project: Path, env: str, *arguments: str, after: float) -> str:
    """Start a run and kill it after some seconds."""
    process = start(project, env, *arguments)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return f"killed after {after:.0f} s"
    return "ended before it could be killed"


def limited(project: Path, env: str, *arguments: str, size: int) -> str:
    """A run whose files can't grow over some bytes, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    code = start(project, env, *arguments, preexec_fn=limit).wait()
    return f"{'failed' if code else 'passed'} with files of at most {size:,} bytes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to work; it must not exist")
    parser.add_argument("--project", type=Path, default=ROOT, help="whose configuration is run")
    parser.add_argument("--env", default="demo")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--limits", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw, env = random.Random(options.seed), options.env

    first = new_project(options.project, options.folder / "first")
    seconds = run(first, env)
    other = new_project(options.project, options.folder / "other")
    run(other, env, *OTHER_SEED)
    tables = {"first run": tables_of(first), "re-run": tables_of(other)}
    largest = max(path.stat().st_size for path in first.glob("data/0[2-8]*/**/*") if path.is_file())
    n_tables = len(tables["first run"])
    print(f"A whole run takes {seconds:.0f} s and makes {n_tables} tables and arrays", flush=True)

    identical = dict.fromkeys(("kills", "limits"), 0)
    for trial in range(options.kills + options.limits):
        kind = ("first run", "re-run")[trial % 2]
        project = options.folder / "trial"
        shutil.rmtree(project, ignore_errors=True)
        if kind == "re-run":
            # Files are replaced and never written in place, so links do for copies.
            shutil.copytree(first, project, copy_function=os.link)
            (project / "run.log").unlink()
        else:
            new_project(options.project, project)
        params = OTHER_SEED if kind == "re-run" else ()
        if trial < options.kills:
            how, ended = "kills", killed(project, env, *params, after=draw.uniform(0, seconds))
        else:
            size = int(1000 * (largest / 1000) ** draw.random())
            how, ended = "limits", limited(project, env, *params, size=size)
        run(project, env, *params, RESUMED)
        wrong = differing(tables_of(project), tables[kind])
        identical[how] += not wrong
        print(f"{trial + 1}: {kind} {ended}: {', '.join(wrong) or 'identical'}", flush=True)
    print(f"{identical['kills']} of {options.kills} killed runs ended with identical tables")
    print(f"{identical['limits']} of {options.limits} limited runs ended with identical tables")


if __name__ == "__main__":
    main()
