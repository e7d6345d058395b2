"""Files and folders appear whole: what a body that fails leaves behind is what was there."""

import json
import shutil
import subprocess
import sys

import pytest

from covid_xray.whole import (
    remove_folder,
    remove_partial_files,
    whole_file,
    whole_folder,
    write_json,
)


class KilledError(Exception):
    """Stands for a kill in the middle of the writing."""


def write_file(path, text, *, fails=False):
    with whole_file(path) as partial:
        partial.write_text(text)
        if fails:
            raise KilledError


def write_folder(folder, *names, fails=False):
    with whole_folder(folder) as partial:
        for name in names:
            (partial / name).write_text(name)
        if fails:
            raise KilledError


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_at_its_place_and_nothing_else(tmp_path):
    write_file(tmp_path / "deep/table.csv", "first")
    write_file(tmp_path / "deep/table.csv", "second")
    assert names_in(tmp_path / "deep") == ["table.csv"]
    assert (tmp_path / "deep/table.csv").read_text() == "second"


def test_a_file_is_written_under_its_own_suffix(tmp_path):
    # Keras, pandas and matplotlib choose the format by it.
    with whole_file(tmp_path / "model.keras") as partial:
        partial.touch()
        assert (partial.suffix, partial.parent) == (".keras", tmp_path)


def test_a_failed_first_write_leaves_no_file(tmp_path):
    with pytest.raises(KilledError):
        write_file(tmp_path / "table.csv", "half", fails=True)
    assert not (tmp_path / "table.csv").exists()


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path):
    write_file(tmp_path / "table.csv", "whole")
    with pytest.raises(KilledError):
        write_file(tmp_path / "table.csv", "half", fails=True)
    assert (tmp_path / "table.csv").read_text() == "whole"
    write_file(tmp_path / "table.csv", "again")
    assert names_in(tmp_path) == ["table.csv"]


def test_a_folder_takes_the_place_of_the_one_before(tmp_path):
    write_folder(tmp_path / "runs/first", "a", "b")
    write_folder(tmp_path / "runs/first", "b", "c")
    assert names_in(tmp_path / "runs") == ["first"]
    assert names_in(tmp_path / "runs/first") == ["b", "c"]


def test_a_failed_first_fill_leaves_no_folder(tmp_path):
    with pytest.raises(KilledError):
        write_folder(tmp_path / "first", "a", fails=True)
    assert not (tmp_path / "first").exists()


def test_a_failed_fill_leaves_the_folder_as_it_was(tmp_path):
    write_folder(tmp_path / "first", "a", "b")
    with pytest.raises(KilledError):
        write_folder(tmp_path / "first", "c", fails=True)
    assert names_in(tmp_path / "first") == ["a", "b"]
    # What the failed one wrote is no part of the next.
    write_folder(tmp_path / "first", "d")
    assert names_in(tmp_path / "first") == ["d"]
    assert names_in(tmp_path) == ["first"]


@pytest.mark.parametrize("ends", ["replaced", "removed"])
def test_a_kill_while_a_folder_goes_leaves_no_half(tmp_path, monkeypatch, ends):
    folder = tmp_path / "first"
    write_folder(folder, "a", "b")

    def killed(path, **_):
        if any(path.glob("*")):
            (path / "a").unlink()
            raise KilledError

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KilledError):
        write_folder(folder, "c") if ends == "replaced" else remove_folder(folder)
    assert not folder.exists()
    monkeypatch.undo()
    write_folder(folder, "d")
    remove_partial_files(tmp_path)
    assert names_in(tmp_path) == ["first"]


# A process that ends in the middle of writing a file, a folder, and the study's folder itself.
ENDS_WHILE_WRITING = """
import os, sys
from pathlib import Path
from covid_xray.whole import whole_file, whole_folder
study = Path(sys.argv[1])
with whole_file(study / "deep/a.npy") as file, whole_folder(study / "runs") as runs:
    with whole_folder(study) as folder:
        for path in (file, runs / "half", folder / "half"):
            path.write_text("half")
        os._exit(0)
"""


def test_what_a_kill_leaves_is_removed_and_nothing_else(tmp_path):
    study = tmp_path / "study"
    write_file(study / "deep/.hidden.csv", "kept")
    write_file(study / "table.partial.csv", "kept")
    subprocess.run([sys.executable, "-c", ENDS_WHILE_WRITING, str(study)], check=True)
    assert len(list(tmp_path.rglob(".*.partial*"))) == 3
    remove_partial_files(study)
    assert names_in(tmp_path) == ["study"]
    assert names_in(study) == ["deep", "table.partial.csv"]
    assert names_in(study / "deep") == [".hidden.csv"]


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    path = tmp_path / "array.npy"
    with whole_file(path) as first, whole_file(path) as second:
        first.write_text("a" * 9)
        second.write_text("b" * 5)
    assert path.read_text() == "a" * 9
    assert names_in(tmp_path) == ["array.npy"]


def test_removing_what_is_not_there_is_no_error(tmp_path):
    remove_folder(tmp_path / "first")
    assert names_in(tmp_path) == []


def test_json_is_kept_in_its_order_and_whole(tmp_path):
    write_json(tmp_path / "plan.json", {"b": 1, "a": {"é": None}})
    assert list(json.loads((tmp_path / "plan.json").read_text("utf-8"))) == ["b", "a"]
    with pytest.raises(TypeError):
        write_json(tmp_path / "plan.json", {"b": object()})
    assert json.loads((tmp_path / "plan.json").read_text("utf-8"))["a"] == {"é": None}
