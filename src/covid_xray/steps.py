"""Nodes whose inputs are called like their function's arguments, and boxes of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node, Pipeline


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


def parameters(*names: str, **paths: str) -> dict[str, str]:
    """Parameters for a step: of the argument's own name, or at a path in the configuration."""
    return {
        name: f"params:{path}" for name, path in (*zip(names, names, strict=True), *paths.items())
    }


def themselves(*names: str) -> dict[str, str]:
    """Datasets for a step whose function takes any keyword arguments."""
    return dict(zip(names, names, strict=True))


def box(namespace: str, *parts: Node | Pipeline) -> Pipeline:
    """A box in Kedro-Viz, whose datasets keep their names."""
    return Pipeline(list(parts), namespace=namespace, prefix_datasets_with_namespace=False)
