"""Why an output is stale, from records alone."""

import pytest

from covid_xray.lineage.book import RecordBook
from covid_xray.lineage.causes import Causes
from covid_xray.records import record_key

SPLITS, TABLE = "splits", "table_5"


def made_of(seed):
    """What makes the splits under a seed, and the table that is made of these."""
    splits = {"code": "c", "parameters.seed": seed}
    return {SPLITS: splits, TABLE: {"code": "c", f"inputs.{SPLITS}": record_key(splits)}}


@pytest.fixture
def book(tmp_path):
    """Splits and a table that were made under seed 1."""
    book = RecordBook(tmp_path)
    for dataset, record in made_of(1).items():
        book.write([dataset], f"make_{dataset}", record, {})
    return book


def told(book, seed):
    causes = Causes(book, made_of(seed)).of_all([SPLITS, TABLE])
    return {name: [cause.text for cause in of] for name, of in causes.items()}


def test_what_would_be_made_the_same_way_is_current(book):
    assert told(book, 1) == {}


def test_an_output_has_the_cause_of_its_input(book):
    assert told(book, 2) == dict.fromkeys((SPLITS, TABLE), ["parameters.seed 1 -> 2"])


def test_an_output_is_stale_once_its_input_was_made_again(book):
    book.write([SPLITS], "make_splits", made_of(2)[SPLITS], {})
    assert told(book, 2) == {TABLE: ["splits was made again"]}
