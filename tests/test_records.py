"""What made an output: flat facts, what changed in words, and fingerprints of data."""

import importlib.metadata

import numpy as np

from covid_xray.records import changes, digest, make_record, record_key, versions
from covid_xray.training.settings import TrainingSettings

TRAINING = TrainingSettings(learning_rate=0.001, batch_size=8, epochs=2, patience=2, seed=1)


def test_facts_of_any_depth_lie_under_dotted_names():
    record = make_record(rows="9c", setting={"training": TRAINING, "weights": {"COVID": 2}})
    assert record["rows"] == "9c"
    assert record["setting.training.learning_rate"] == 0.001
    assert record["setting.training.optimiser"] == "adam"
    assert record["setting.weights.COVID"] == 2
    assert not any(isinstance(fact, dict) for fact in record.values())


def test_equal_records_have_no_changes():
    record = make_record(training=TRAINING, seed=3)
    assert changes(record, dict(reversed(record.items()))) == []


def test_a_change_is_told_by_name_old_and_new():
    kept = make_record(training=TRAINING, rows="9c")
    other = TRAINING.model_copy(update={"learning_rate": 0.01})
    wanted = make_record(training=other, rows="9c")
    assert changes(kept, wanted) == ["training.learning_rate 0.001 -> 0.01"]


def test_facts_that_come_and_go_are_told_as_none():
    assert changes({"old": 1, "same": 2}, {"same": 2, "new": 3}) == [
        "new None -> 3",
        "old 1 -> None",
    ]


def test_versions_are_those_installed():
    assert versions("numpy") == {"numpy": importlib.metadata.version("numpy")}


def test_a_digest_tells_values_shapes_types_and_parts_apart():
    row = np.arange(6, dtype=np.uint8)
    others = [
        digest(row.reshape(2, 3)),
        digest(row.astype(np.int8)),
        digest(row[:3], row[3:]),
        digest(row[::-1]),
        digest(row.tobytes()),
        digest(b"ab", b"c"),
        digest(b"a", b"bc"),
    ]
    assert len({digest(row), *others}) == 8
    assert digest(row) == digest(np.arange(12, dtype=np.uint8)[:6].copy())
    # The elements count, not where they lie in memory.
    assert digest(np.arange(12, dtype=np.uint8)[::2]) == digest(np.arange(0, 12, 2, dtype=np.uint8))


def test_the_order_of_facts_does_not_change_a_records_key():
    record = make_record(training=TRAINING, rows="9c")
    assert record_key(record) == record_key(dict(reversed(record.items())))
    assert record_key(record) != record_key(record | {"rows": "9d"})
