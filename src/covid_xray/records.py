"""What made an output: facts by name, kept beside it, so that nothing stale is used again."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

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


def record_key(record: Record) -> str:
    """A short fingerprint of a record, by which what is made of its output names it."""
    return digest(json.dumps(record, sort_keys=True).encode())


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
