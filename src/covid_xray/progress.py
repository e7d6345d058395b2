"""What long work shows in a terminal: one progress bar, this project's lines, no start-up noise."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm.auto import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate over `items` under a progress bar, sparing log files its refreshes."""
    interval = 0.2 if sys.stderr.isatty() else 15.0
    return iter(
        tqdm(
            items,
            desc=description,
            total=total,
            mininterval=interval,
            leave=False,
            dynamic_ncols=True,
        )
    )


class OwnLines(logging.Filter):
    """Passes this project's lines, and warnings of anyone but TensorFlow's advice on its graphs.

    `KEDRO_LOGGING_CONFIG=conf/logging_verbose.yml` shows everything.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is shown."""
        own = record.name.partition(".")[0] == "covid_xray"
        is_advice = record.name == "tensorflow" and "retracing" in record.getMessage()
        return own or (record.levelno >= logging.WARNING and not is_advice)


def keep_brief() -> None:
    """Give the filter to the handler `brief` of conf/logging.yml, if that file is in use."""
    for handler in logging.getLogger().handlers:
        if handler.name == "brief" and not any(isinstance(f, OwnLines) for f in handler.filters):
            handler.addFilter(OwnLines())


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what native code writes to the terminal; show it only with an error.

    TensorFlow writes some lines before any of its settings is read.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
