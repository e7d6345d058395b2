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
    assert study_name(path, "study") == name


@pytest.mark.parametrize("path", [None, "", "/", "..", "./..", "???"])
def test_without_a_usable_name_the_environments_own_is_taken(path):
    assert study_name(path, "phantom_study") == "phantom_study"


@given(st.text())
def test_any_path_gives_one_safe_folder_name(path):
    name = study_name(path, "study")
    assert re.fullmatch(r"[\w.-]+", name)
    assert name not in (".", "..")
