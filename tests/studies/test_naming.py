"""Naming: the folder under which a study's outputs are kept."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covid_xray.studies.naming import study_name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/COVID-19_Radiography_Dataset", "COVID-19_Radiography_Dataset"),
        ("/data/COVID-19_Radiography_Dataset/", "COVID-19_Radiography_Dataset"),
        ("downloads/archive.zip", "archive"),
        ("my ward (2024).zip", "my_ward_2024"),
        (r"C:\Users\me\ward.v2", "ward.v2"),
        ("radiographies_été", "radiographies_été"),
        ("/data/.hidden", "hidden"),
    ],
)
def test_a_study_is_named_after_its_folder_or_archive(path, name):
    assert study_name(None, path, "study") == name


@pytest.mark.parametrize("path", [None, "", "/", "..", "./..", "???"])
def test_without_a_usable_name_the_environments_own_is_taken(path):
    assert study_name(None, path, "phantom_study") == "phantom_study"


@given(st.text())
def test_any_path_gives_one_safe_folder_name(path):
    name = study_name(None, path, "study")
    assert re.fullmatch(r"[\w.-]+", name)
    assert name not in (".", "..")


@pytest.mark.parametrize("name", ["ward", "ward-2.b", "été", 2024])
def test_a_name_that_was_asked_for_comes_first(name):
    assert study_name(name, "/data/archive.zip", "study") == str(name)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\\b", ".hidden", "two words"])
def test_a_name_that_is_no_folder_is_refused(name):
    with pytest.raises(ValueError, match="study_name is '"):
        study_name(name, None, "study")
