"""Matching: a name in a sheet means one radiograph, however it is spelt, or none."""

import unicodedata
from pathlib import PurePosixPath

import pytest

from covid_xray.studies.layout import RadiographFile, image_id_of
from covid_xray.studies.matching import match_names


def radiographs(*paths):
    files = [PurePosixPath(path) for path in paths]
    return [
        RadiographFile(image_id_of(path.parts[0], path.stem), path.parts[0], path, 1, None)
        for path in files
    ]


def meant(name, *paths):
    """The radiograph that a single name means among files of one class."""
    return match_names([name], radiographs(*paths)).image_ids


@pytest.mark.parametrize(
    "name",
    ["scan", "SCAN", "scan.png", "Scan.PNG", "scan.jpg", "A-scan", "images/scan.png",
     "A/images/scan", "C:\\data\\A\\images\\scan.png", " scan "],
)  # fmt: skip
def test_names_match_in_any_case_with_or_without_a_suffix(name):
    assert meant(name, "A/images/scan.png", "A/images/scan-2.png") == ["A-scan"]


@pytest.mark.parametrize("in_sheet", ["NFC", "NFD"])
@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
def test_names_match_in_both_unicode_forms(in_sheet, on_disk):
    name, file = (unicodedata.normalize(form, "poumon-\u00e9") for form in (in_sheet, on_disk))
    assert meant(name.upper(), f"A/images/{file}.png") == [
        unicodedata.normalize("NFC", f"A-{file}")
    ]


def test_a_suffix_that_belongs_to_the_name_stays():
    paths = ("A/images/scan.1.png", "A/images/scan.2.png", "A/images/x.png.png")
    assert meant("scan.2", *paths) == ["A-scan.2"]
    assert meant("x.png", *paths) == ["A-x.png"]


@pytest.mark.parametrize("name", ["1", "01", "1.0", "0001", "1.png"])
def test_a_bare_number_means_the_file_of_that_number(name):
    assert meant(name, "A/images/001.png", "A/images/002.png") == ["A-001"]


def test_a_number_fits_first_the_file_that_is_spelt_so():
    files = radiographs("A/images/1.png", "A/images/001.png")
    assert match_names(["001", "1"], files).image_ids == ["A-001", "A-1"]
    alone = match_names(["1", "001"], radiographs("A/images/001.png"))
    assert (alone.image_ids, alone.unknown) == ([None, "A-001"], ["1"])


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        (["1"], ["A/images/001.png", "A/images/01.png"]),
        (["1", "01"], ["A/images/001.png"]),
        (["scan"], ["A/images/scan.png", "B/images/scan.png"]),
    ],
)
def test_what_may_mean_several_means_none(names, paths):
    matches = match_names(names, radiographs(*paths))
    assert matches.image_ids == [None] * len(names)
    assert matches.ambiguous == names
    assert matches.unknown == []


def test_a_name_without_a_radiograph_is_unknown_once():
    matches = match_names(["x", "a", "x"], radiographs("A/a.png"))
    assert (matches.image_ids, matches.unknown) == ([None, "a", None], ["x"])
