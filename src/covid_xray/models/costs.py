"""What a model costs: parameters, bytes on disk, and time per radiograph."""

from __future__ import annotations

import pickle
import statistics
import tempfile
import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

_CALLS = 5


@dataclass(frozen=True)
class Cost:
    """Cost of a model.

    Attributes:
        parameters: weights of a network, trainable or not; 0 for a classical classifier.
        file_bytes: size of what was fitted: of a network, the file of its weights; of a classical
            classifier, its arrays. The rest of either file changes from run to run.
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
    ms_per_image = _milliseconds(model.predict_on_batch, radiographs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.weights.h5"
        model.save_weights(path)
        return Cost(int(model.count_params()), path.stat().st_size, ms_per_image)


def classical_cost(classifier: Any, features: NDArray[np.float32]) -> Cost:
    """Cost of a fitted scikit-learn classifier, without the features that it takes.

    Args:
        classifier: fitted classifier.
        features: one batch, (n, features).
    """
    arrays: list[pickle.PickleBuffer] = []
    pickle.dumps(classifier, protocol=5, buffer_callback=arrays.append)
    file_bytes = sum(array.raw().nbytes for array in arrays)
    return Cost(0, file_bytes, _milliseconds(classifier.predict_proba, features))


def _milliseconds(predict: Callable[[Any], object], images: NDArray[np.float32]) -> float:
    """Median time per image of a batch, after one that compiles."""
    predict(images)
    call = partial(predict, images)
    seconds = timeit.repeat(call, timer=time.perf_counter, number=1, repeat=_CALLS)
    return 1000 * statistics.median(seconds) / len(images)
