"""Why an output is not what would be made today, told by the first thing that changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from covid_xray.lineage.book import RecordBook
from covid_xray.lineage.graph import INPUT
from covid_xray.records import Record, record_key

_VERSION = "versions."
_CODE = {"sources": "code", "wiring": "wiring"}


class Cause(NamedTuple):
    """A change that makes outputs stale.

    Attributes:
        text: in words, such as `parameters.splitting.seed 2025 -> 8`.
        of_code: whether only code or a library changed, and not what was asked for.
    """

    text: str
    of_code: bool = False


NO_RECORD = Cause("no record of what made it")


class Causes:
    """Finds the causes for outputs, each once, through what they were made of.

    Args:
        book: what made the outputs that are there.
        wanted: what would make them today.
    """

    def __init__(self, book: RecordBook, wanted: Mapping[str, Record]) -> None:
        self._book, self._wanted = book, wanted
        self._found: dict[str, tuple[Cause, ...]] = {}

    def of(self, dataset: str) -> tuple[Cause, ...]:
        """Why a dataset is stale; empty if it is current."""
        if dataset not in self._found:
            self._found[dataset] = tuple(dict.fromkeys(self._find(dataset)))
        return self._found[dataset]

    def of_all(self, datasets: Iterable[str]) -> dict[str, tuple[Cause, ...]]:
        """The causes of those that are stale, by dataset."""
        return {name: causes for name in datasets if (causes := self.of(name))}

    def _find(self, dataset: str) -> Iterable[Cause]:
        entry, wanted = self._book.read(dataset), self._wanted[dataset]
        if entry is None:
            return [NO_RECORD]
        kept = entry["record"]
        names = [name for name in [*wanted, *kept] if kept.get(name) != wanted.get(name)]
        return [
            cause
            for name in dict.fromkeys(names)
            for cause in self._causes_of(name, kept.get(name), wanted.get(name), entry["node"])
        ]

    def _causes_of(self, fact: str, old: Any, new: Any, node: str) -> Iterable[Cause]:
        source = fact.removeprefix(INPUT)
        if fact in _CODE:
            return [Cause(f"{_CODE[fact]} of {node}", of_code=True)]
        if fact.startswith(_VERSION):
            return [Cause(f"{fact.removeprefix(_VERSION)} {old} -> {new}", of_code=True)]
        if fact == source:
            return [Cause(f"{fact} {old} -> {new}")]
        if source not in self._wanted:
            return [Cause(f"{source} ({old} -> {new})")]
        # An input that is current by now was made again after this output.
        return self.of(source) or [Cause(f"{source} was made again")]


def tell(causes: Iterable[Cause], at_most: int = 4) -> str:
    """Causes in one line, those of most outputs first.

    Args:
        causes: the causes of each output.
        at_most: how many are told; of more, only their number.
    """
    told = [text for text, _ in Counter(cause.text for cause in causes).most_common()]
    more = f"; and {len(told) - at_most} more" if len(told) > at_most else ""
    return "; ".join(told[:at_most]) + more


def keys_of(book: RecordBook, datasets: Iterable[str]) -> dict[str, str]:
    """The fingerprints of the records that datasets have."""
    records = {name: book.record(name) for name in datasets}
    return {name: record_key(record) for name, record in records.items() if record is not None}
