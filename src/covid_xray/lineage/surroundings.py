"""What a run is refused for on a machine: settings of Keras and Matplotlib."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

# What the networks, their files and Grad-CAM are made for; they are Keras's own defaults.
_KERAS = {
    "backend": "tensorflow",
    "image_data_format": "channels_last",
    "floatx": "float32",
    "epsilon": 1e-7,
}
# Keras cuts every training short by these, without a word.
_LIMITS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")


class SurroundingsError(RuntimeError):
    """A setting of the machine under which results would fail or differ; says what to type."""


def check_surroundings() -> None:
    """Refuse settings of Keras and Matplotlib that would fail, or change results, hours later.

    Loads no Keras.

    Raises:
        SurroundingsError: with the variable or file that holds the setting, and the remedy.
    """
    _warn_of_file_names()
    _check_limits()
    if "keras" in sys.modules:
        _check_keras(_settings_in_use(), "This session's Keras", "Restart it with the setting")
    else:
        # The package sets the variable where it is empty, so the file's backend is never used.
        backend = {"backend": os.environ["KERAS_BACKEND"]}
        _check_keras(
            backend, "The variable KERAS_BACKEND", "Type `unset KERAS_BACKEND`, or set it to"
        )
        file = _keras_folder() / "keras.json"
        _check_keras(_settings_in(file) | backend, str(file), "Change it there to")
    _check_matplotlib()


def _warn_of_file_names() -> None:
    encoding = sys.getfilesystemencoding()
    if encoding.lower() != "utf-8":
        logger.warning(
            "Python reads the names of files as '%s' here. If files whose names have accents are "
            "not found, type `export PYTHONUTF8=1`.",
            encoding,
        )


def _check_limits() -> None:
    for name in _LIMITS:
        if name in os.environ:
            raise SurroundingsError(
                f"The variable {name} is set: Keras would end every training early. "
                f"Type `unset {name}`."
            )


def _check_keras(settings: Mapping[str, Any], where: str, remedy: str) -> None:
    for name, wanted in _KERAS.items():
        if settings.get(name, wanted) != wanted:
            raise SurroundingsError(
                f"{where} sets {name} to {settings[name]!r}, but this project's networks need "
                f"{wanted!r}. {remedy} {wanted!r}."
            )


def _settings_in_use() -> dict[str, Any]:
    import keras

    return {name: getattr(keras.config, name)() for name in _KERAS}


def _settings_in(file: Path) -> dict[str, Any]:
    """What Keras will read; like Keras, take a file that is no JSON for an empty one."""
    try:
        settings = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(settings, dict):
        raise SurroundingsError(f"{file} holds no settings of Keras: remove it.")
    return settings


def _keras_folder() -> Path:
    """Where Keras looks for its settings."""
    home = Path("~").expanduser()
    home = home if os.access(home, os.W_OK) else Path(tempfile.gettempdir())
    return Path(os.environ.get("KERAS_HOME") or home / ".keras").expanduser()


def _check_matplotlib() -> None:
    """Let Matplotlib judge its variable. Figures open no window, so any known backend will do."""
    if os.environ.get("MPLBACKEND"):
        try:
            import matplotlib  # noqa: F401
        except ValueError as error:
            raise SurroundingsError(
                f"The variable MPLBACKEND is '{os.environ['MPLBACKEND']}', which Matplotlib does "
                "not know. Type `unset MPLBACKEND`."
            ) from error
