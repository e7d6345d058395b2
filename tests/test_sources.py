"""Which code an output depends on: what a module imports, and what a node's function uses."""

import json
from textwrap import dedent
from types import SimpleNamespace

import pytest

from covid_xray import sources
from covid_xray.sources import code_record, source_digest

# A small package: which modules `train` reaches, and by which kind of import.
MODULES = {
    "__init__": "",
    "train": dedent("""
        import json
        from tiny_study.shapes import square
        def run():
            from tiny_study.inside import called
    """),
    "shapes": "import tiny_study.sizes as sizes\nsquare = sizes.SIDE",
    "sizes": "SIDE = 4",
    "inside": "from tiny_study import named\ncalled = named",
    "named": "",
    "apart": "import tiny_study.train",
}
REACHED = ["train", "shapes", "sizes", "inside", "named"]


@pytest.fixture
def write_package(tmp_path, monkeypatch):
    """Writes the small package, with changes."""
    folder = tmp_path / "tiny_study"
    folder.mkdir()
    monkeypatch.setattr(sources, "PACKAGE_FOLDER", folder)

    def write(changed):
        for name, source in (MODULES | changed).items():
            (folder / f"{name}.py").write_text(source, "utf-8")
        # A clock tick may be longer than two writes are apart.
        sources._read_module.cache_clear()
        source_digest.cache_clear()

    return write


@pytest.fixture
def package(write_package):
    """Writes the small package, with changes, and gives the fingerprint of a module in it."""

    def fingerprint(module="train", **changed):
        write_package(changed)
        return source_digest.__wrapped__(f"tiny_study.{module}")

    yield fingerprint
    sources._read_module.cache_clear()
    source_digest.cache_clear()


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


def test_what_trains_a_tail_is_in_the_fingerprint_of_its_runs():
    read = sources._reached(["covid_xray.training.transfer"])
    for module in ("training.tail", "training.fitting", "models.trunk", "evaluation.predictions"):
        assert f"covid_xray.{module}" in read
    assert not [name for name in read if name.startswith("covid_xray.pipelines")]


# A module of nodes: each uses some of what stands in it.
NODES = """
import numpy
from tiny_study.shapes import square
from tiny_study import named
LIMIT = 3
def helper():
    return named
def first():
    "Uses a module and a helper."
    return square + helper()
def second(value=LIMIT):
    import cv2
    return numpy.zeros(value)
class Nodes:
    side: int = 4
    def third(self):
        return self.fourth() + self.side
    def fourth(self):
        return square
    def fifth(self):
        return LIMIT
"""
PARTS = ["first", "second", "Nodes.third", "Nodes.fifth"]


def function_of(name, owner=None):
    """What `code_record` looks at of a function that was never imported."""
    facts = {"__module__": "tiny_study.nodes", "__qualname__": name, "__self__": owner}
    return SimpleNamespace(**facts)


@pytest.fixture
def records_of_parts(write_package):
    """What the code of each part of the small module of nodes is recorded as."""

    def record(old="", new="", **changed):
        assert old in NODES
        write_package({"nodes": NODES.replace(old, new) if old else NODES} | changed)
        return {name: code_record(function_of(name)) for name in PARTS}

    return record


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        ({"old": "return named", "new": "return 2"}, {"first"}),
        ({"old": "Uses a module", "new": "Uses one module"}, {"first"}),
        ({"old": "LIMIT = 3", "new": "LIMIT = 4"}, {"second", "Nodes.fifth"}),
        ({"old": "return square\n", "new": "return 7\n"}, {"Nodes.third"}),
        ({"old": "side: int = 4", "new": "side: int = 5"}, {"Nodes.third"}),
        ({"sizes": "SIDE = 5"}, {"first", "Nodes.third"}),
        ({"named": "X = 1"}, {"first"}),
        ({"inside": "X = 1"}, set()),
    ],
)
def test_a_change_touches_the_nodes_that_reach_it(records_of_parts, change, touched):
    before, after = records_of_parts(), records_of_parts(**change)
    assert {name for name in PARTS if before[name] != after[name]} == touched
    assert records_of_parts() == before


def test_versions_are_of_the_libraries_that_are_reached(records_of_parts):
    records = records_of_parts(named="from tiny_study import shapes\nimport keras")
    found = {name: {fact for fact in records[name] if fact != "sources"} for name in PARTS}
    assert found["first"] == {"versions.keras", "versions.tensorflow"}
    assert found["second"] == {"versions.numpy", "versions.opencv-python-headless"}
    assert found["Nodes.fifth"] == set()


def test_what_a_method_is_bound_to_is_part_of_its_record(write_package):
    write_package({"nodes": NODES})
    assert code_record(function_of("Nodes.third", "MobileNet")) != code_record(
        function_of("Nodes.third", "VGG19")
    )


def test_code_of_other_packages_is_refused():
    with pytest.raises(ValueError, match="json.loads is no function of covid_xray"):
        code_record(json.loads)
