"""What made an output: facts by name, kept beside it, so that nothing stale is used again."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

PACKAGE = __name__.split(".", maxsplit=1)[0]
Record = dict[str, Any]
"""Facts under dotted names, such as `training.learning_rate`; equal records, equal outputs."""


class StaleError(ValueError):
    """An output that something else made than is asked for; the message says what differs."""


def make_record(**facts: Any) -> Record:
    """Facts under flat, dotted names, as a JSON file gives them back.

    Args:
        **facts: numbers, texts, or mappings and parameters of these, at any depth.
    """
    return dict(_flat(facts))


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, fact in facts.items():
        nested = fact.model_dump(mode="json") if isinstance(fact, BaseModel) else fact
        if isinstance(nested, Mapping):
            yield from _flat(nested, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", nested


def changes(kept: Record, wanted: Record) -> list[str]:
    """What differs between two records, each as `name old -> new`."""
    pairs = {name: (kept.get(name), wanted.get(name)) for name in [*wanted, *kept]}
    return [f"{name} {old} -> {new}" for name, (old, new) in pairs.items() if old != new]


def versions(*distributions: str) -> Record:
    """Installed versions of libraries that a result depends on."""
    return {name: importlib.metadata.version(name) for name in distributions}


@cache
def source_digest(*modules: str) -> str:
    """A fingerprint of some modules and of all that they import inside the package.

    Imports inside functions count as well.

    Args:
        *modules: dotted names of modules of this package.
    """
    reached: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached[module] = _source(module)
            waiting += _imports(reached[module])
    return digest(*(name.encode() + reached[name] for name in sorted(reached)))


def _source(module: str) -> bytes:
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None, module
    return Path(spec.origin).read_bytes()


def _imports(source: bytes) -> Iterable[str]:
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.Import):
            yield from (name.name for name in statement.names if _is_ours(name.name))
        elif isinstance(statement, ast.ImportFrom) and _is_ours(statement.module or ""):
            yield str(statement.module)
            # A name may be a module of the package that it is imported from.
            names = (f"{statement.module}.{name.name}" for name in statement.names)
            yield from filter(_is_module, names)


def _is_ours(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] == PACKAGE


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def digest(*parts: bytes | NDArray[np.generic]) -> str:
    """A short fingerprint of bytes and arrays, their shapes and types included."""
    return digest_stream(parts)


def digest_stream(parts: Iterable[bytes | NDArray[np.generic]]) -> str:
    """`digest` of parts that need not be in memory all at once."""
    fingerprint = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            fingerprint.update(f"{part.shape}{part.dtype}".encode())
            fingerprint.update(np.ascontiguousarray(part).data)
        else:
            fingerprint.update(f"{len(part)}:".encode() + part)
    return fingerprint.hexdigest()
