"""Nodes whose inputs are called like their function's arguments, and boxes of them."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kedro.pipeline import Node, Pipeline

from covid_xray.absence import CannotMakeError, NotMade

logger = logging.getLogger(__name__)


def step(
    function: Callable[..., Any],
    outputs: str | list[str],
    name: str | None = None,
    *,
    without: Sequence[str] = (),
    **given: str,
) -> Node:
    """A node that takes the datasets that its function's arguments are named after.

    Where the study can't have one of its inputs (`NotMade`), or the function raises
    `CannotMakeError`, all of its outputs are `NotMade` for the same reason.

    Args:
        function: the node's function.
        outputs: the datasets that it makes.
        name: the node's name; the function's if None.
        without: arguments that may be `NotMade`: the function is called nevertheless.
        **given: what single arguments take instead, such as parameters, and what a function of
            any keyword arguments takes.
    """
    arguments = inspect.signature(function).parameters.values()
    named = {arg.name: arg.name for arg in arguments if arg.kind is not arg.VAR_KEYWORD}
    name = name or function.__name__
    n_outputs = None if isinstance(outputs, str) else len(outputs)
    skipping = _or_not_made(function, name, n_outputs, frozenset(without))
    return Node(skipping, inputs=named | given, outputs=outputs, name=name)


def _or_not_made(
    function: Callable[..., Any], name: str, n_outputs: int | None, without: frozenset[str]
) -> Callable[..., Any]:
    """The function, or `NotMade` for each of its outputs; `n_outputs` is None for a single one."""

    def lacking(inputs: dict[str, Any]) -> NotMade | None:
        needed = (value for argument, value in inputs.items() if argument not in without)
        return next((value for value in needed if isinstance(value, NotMade)), None)

    def refused(error: CannotMakeError) -> NotMade:
        logger.warning("%s is skipped: %s", name, error)
        return NotMade(str(error))

    def instead(absence: NotMade) -> Any:
        return absence if n_outputs is None else (absence,) * n_outputs

    @functools.wraps(function)
    def call(**inputs: Any) -> Any:
        absence = lacking(inputs)
        if absence is not None:
            return instead(absence)
        try:
            return function(**inputs)
        except CannotMakeError as error:
            return instead(refused(error))

    # Kedro saves what a generator function yields piece by piece.
    @functools.wraps(function)
    def generate(**inputs: Any) -> Iterator[Any]:
        absence = lacking(inputs)
        if absence is not None:
            yield instead(absence)
            return
        try:
            yield from function(**inputs)
        except CannotMakeError as error:
            yield instead(refused(error))

    return generate if inspect.isgeneratorfunction(function) else call


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
