"""What a model costs: parameters, bytes on disk, and time per radiograph."""

from __future__ import annotations

import statistics
import tempfile
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import keras
import numpy as np
from numpy.typing import NDArray

_CALLS = 5


@dataclass(frozen=True)
class Cost:
    """Cost of a model.

    Attributes:
        parameters: weights of a network, trainable or not; 0 for a classical classifier, whose
            size shows in its file.
        file_bytes: size of its file.
        ms_per_image: milliseconds per image on this machine, in batches.
    """

    parameters: int
    file_bytes: int
    ms_per_image: float


def network_cost(model: keras.Model, radiographs: NDArray[np.float32]) -> Cost:
    """Cost of a network.

    Args:
        model: network of grey radiographs.
        radiographs: one batch, float32 (n, side, side, 1), 0-255.
    """
    return Cost(
        parameters=int(model.count_params()),
        file_bytes=_file_bytes("model.keras", model.save),
        ms_per_image=_milliseconds(lambda: model.predict_on_batch(radiographs)) / len(radiographs),
    )


def classical_cost(classifier: Any, features: NDArray[np.float32]) -> Cost:
    """Cost of a fitted scikit-learn classifier, without the features that it takes.

    Args:
        classifier: fitted classifier.
        features: one batch, (n, features).
    """
    return Cost(
        parameters=0,
        file_bytes=_file_bytes("model.joblib", lambda path: joblib.dump(classifier, path)),
        ms_per_image=_milliseconds(lambda: classifier.predict_proba(features)) / len(features),
    )


def _file_bytes(name: str, save: Callable[[Path], object]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        save(path)
        return path.stat().st_size


def _milliseconds(call: Callable[[], object]) -> float:
    """Median time of a call, after one that compiles."""
    call()
    return 1000 * statistics.median(timeit.repeat(call, number=1, repeat=_CALLS))
