"""Nodes whose inputs are called like their function's arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node


def step(
    function: Callable[..., Any], outputs: str | list[str], name: str | None = None, **given: str
) -> Node:
    """A node that takes the datasets that its function's arguments are named after.

    Args:
        function: the node's function.
        outputs: the datasets that it makes.
        name: the node's name; the function's if None.
        **given: what single arguments take instead, such as parameters, and what a function of
            any keyword arguments takes.
    """
    arguments = inspect.signature(function).parameters.values()
    named = {arg.name: arg.name for arg in arguments if arg.kind is not arg.VAR_KEYWORD}
    return Node(function, inputs=named | given, outputs=outputs, name=name or function.__name__)
