"""Names such as `modeling.mobilenet.trunk_features` in nodes outside their namespace."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def dotted_names() -> Iterator[None]:
    """Keep Kedro from warning of dots in names that it gave itself to a namespace's outputs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="One or more dataset names contain '.'")
        yield
