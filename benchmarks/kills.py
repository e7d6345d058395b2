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


def trial_project(first: Path, folder: Path, *, again: bool) -> Path:
    """An empty project, or one that holds all that a first run made."""
    shutil.rmtree(folder, ignore_errors=True)
    if not again:
        return new_project(first, folder)
    # Files are replaced and never written in place, so links do for copies.
    shutil.copytree(first, folder, copy_function=os.link)
    (folder / "run.log").unlink()
    return folder


def killed_in_a_row(project: Path, env: str, *params: str, moments: list[float]) -> list[str]:
    """Start a run and kill it after some seconds; go on with it, and kill that, and so on.

    Returns:
        A line for each kill; a run that ends before its moment is the last.
    """
    lines: list[str] = []
    for moment in moments:
        process = start(project, env, *params, *((RESUMED,) if lines else ()))
        try:
            process.wait(moment)
            return lines
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            lines.append(f"killed after {moment:.0f} s")
    return lines


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
    parser.add_argument("--in-a-row", type=int, default=1, help="kills before a run may end")
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

    identical, trials = dict.fromkeys(("kills", "limits"), 0), 0
    left = {"kills": options.kills, "limits": options.limits}
    while any(left.values()):
        kind = ("first run", "re-run")[trials % 2]
        project = trial_project(first, options.folder / "trial", again=kind == "re-run")
        params = OTHER_SEED if kind == "re-run" else ()
        if left["kills"]:
            row = min(options.in_a_row, left["kills"])
            how, moments = "kills", [draw.uniform(0, 2 * seconds / (row + 1)) for _ in range(row)]
            after = killed_in_a_row(project, env, *params, moments=moments)
        else:
            size = int(1000 * (largest / 1000) ** draw.random())
            how, after = "limits", [limited(project, env, *params, size=size)]
        run(project, env, *params, RESUMED)
        wrong = differing(tables_of(project), tables[kind])
        trials, left[how] = trials + 1, left[how] - len(after)
        identical[how] += 0 if wrong else len(after)
        ended = "; ".join(after)
        print(f"{trials}: {kind} {ended}: {', '.join(wrong) or 'identical'}", flush=True)
    print(f"{identical['kills']} of {options.kills} kills left identical tables")
    print(f"{identical['limits']} of {options.limits} limited runs ended with identical tables")


if __name__ == "__main__":
    main()
