"""Where an output comes from, in words for people: study, protocol, seed, commit, versions."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from covid_xray import __version__
from covid_xray.records import versions

Origin = dict[str, str]
_MODEL_ENTRY = "origin.json"
_LIBRARIES = ("keras", "tensorflow", "numpy")


def origin_of(
    study: str, files: str, splitting: Mapping[str, Any], imported_splits: str = "none"
) -> Origin:
    """What pages and models say of where they come from.

    Args:
        study: name under which the outputs are kept.
        files: fingerprint of the study's files.
        splitting: the parameters of the split, which hold protocol and seed.
        imported_splits: fingerprint of the file that gave the splits; `none` if they were drawn.
    """
    return {
        "study": study,
        "study_files": files,
        "protocol": str(splitting["protocol"]),
        "seed": str(splitting["seed"]),
        "imported_splits": imported_splits,
        "covid_xray": __version__,
        "commit": commit(),
    } | versions(*_LIBRARIES)


def describe_origin(origin: Mapping[str, str]) -> str:
    """An origin as the last lines of a page."""
    libraries = ", ".join(f"{name} {origin[name]}" for name in _LIBRARIES)
    given = origin.get("imported_splits", "none")
    splits = "" if given == "none" else f"Splits: those of a file ({given}). "
    return (
        f"Study: {origin['study']} ({origin['study_files']}). Protocol: {origin['protocol']}. "
        f"{splits}Seed: {origin['seed']}. Made by covid_xray {origin['covid_xray']}, commit "
        f"{origin['commit']}, with {libraries}."
    )


def stamp_model(path: Path, origin: Origin | None) -> None:
    """Put an origin into a `.keras` file, which is a zip archive; Keras reads around it."""
    if origin is not None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(_MODEL_ENTRY, json.dumps(origin, indent=1))


def model_origin(path: Path) -> Origin | None:
    """Where a `.keras` file comes from; None if it does not say."""
    with zipfile.ZipFile(path) as archive:
        named = _MODEL_ENTRY in archive.namelist()
        return dict(json.loads(archive.read(_MODEL_ENTRY))) if named else None


@cache
def commit() -> str:
    """The commit of this code, with `-dirty` if files were changed since; or `unknown`."""
    folder = Path(__file__).parent
    try:
        # An installed package may lie in a folder of somebody else's repository.
        _git(folder, "ls-files", "--error-unmatch", Path(__file__).name)
        return _git(folder, "describe", "--always", "--dirty", "--exclude", "*")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    return done.stdout.decode("utf-8", "replace").strip()
