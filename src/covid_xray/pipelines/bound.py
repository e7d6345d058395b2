"""Nodes with a value of a pipeline's axes built in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any


def bound(function: Callable[..., Any], **values: Any) -> Callable[..., Any]:
    """A node function with some keyword arguments fixed, under its own name and hints.

    Kedro reads both: the name to show it, the hints to validate its parameters.
    """
    return update_wrapper(partial(function, **values), function)
