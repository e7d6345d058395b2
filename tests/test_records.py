"""What made an output: flat facts, what changed in words, and fingerprints of code and data."""

import importlib
import importlib.metadata
import sys

import numpy as np
import pytest

from covid_xray import records
from covid_xray.records import changes, digest, make_record, source_digest, versions
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


# A small package: which modules `train` reaches, and by which kind of import.
MODULES = {
    "__init__": "",
    "train": """
        import json
        from tiny_study.shapes import square
        def run():
            from tiny_study.inside import called
    """,
    "shapes": "import tiny_study.sizes as sizes\nsquare = sizes.SIDE",
    "sizes": "SIDE = 4",
    "inside": "from tiny_study import named\ncalled = named",
    "named": "",
    "apart": "import tiny_study.train",
}
REACHED = ["train", "shapes", "sizes", "inside", "named"]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes the small package, with changes, and gives the fingerprint of a module in it."""
    folder = tmp_path / "tiny_study"
    folder.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(records, "PACKAGE", "tiny_study")

    def fingerprint(module="train", **changed):
        for name, source in (MODULES | changed).items():
            lines = [line.removeprefix(" " * 8) for line in source.splitlines()]
            (folder / f"{name}.py").write_text("\n".join(lines), "utf-8")
        importlib.invalidate_caches()
        return source_digest.__wrapped__(f"tiny_study.{module}")

    yield fingerprint
    for name in [name for name in sys.modules if name.split(".")[0] == "tiny_study"]:
        del sys.modules[name]


@pytest.mark.parametrize("module", REACHED)
def test_a_change_of_an_imported_module_shows(package, module):
    """Imports inside functions, of packages' modules and by `import` are all followed."""
    before = package()
    assert package(**{module: MODULES[module] + "\nCHANGED = 1"}) != before
    assert package() == before


def test_modules_that_are_not_imported_do_not_count(package):
    before = package()
    assert package(apart="CHANGED = 1", new="") == before
    assert package("apart") != before


def test_code_that_moves_to_another_module_shows(package):
    assert package(shapes=MODULES["sizes"], sizes=MODULES["shapes"]) != package()


def test_what_trains_a_tail_is_in_the_fingerprint_of_its_runs(monkeypatch):
    read = []
    source = records._source
    monkeypatch.setattr(records, "_source", lambda name: read.append(name) or source(name))
    source_digest.__wrapped__("covid_xray.training.transfer")
    for module in ("training.tail", "training.fitting", "models.trunk", "evaluation.predictions"):
        assert f"covid_xray.{module}" in read
    assert not [name for name in read if name.startswith("covid_xray.pipelines")]
