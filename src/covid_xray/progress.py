"""One progress bar for every long loop."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm.auto import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate over `items` under a progress bar, sparing log files its refreshes."""
    interval = 0.2 if sys.stderr.isatty() else 15.0
    return iter(tqdm(items, desc=description, total=total, mininterval=interval, leave=False))
