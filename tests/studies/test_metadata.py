"""Metadata: the source behind each radiograph, and whom it shows, as far as a sheet says."""

import pandas as pd
import pytest

from covid_xray.studies.metadata import (
    FIELDS,
    read_metadata,
    source_name,
    unmatched_sources,
)
from covid_xray.studies.sheets import SheetError


def read_csv(text):
    return read_metadata(text.encode(), workbook=False)


def column(name, *values):
    """What becomes of the values of one column, and the notes."""
    lines = [f"{k},{value}" for k, value in enumerate(values)]
    rows, notes = read_csv("\n".join([f"file name,{name}", *lines]))
    return rows[name].tolist(), notes


def test_names_and_urls_are_found_in_a_workbook(workbook):
    content = workbook(
        [[" File name", "FORMAT", "url "], ["NORMAL-1", "PNG", " u "], [12, "", "v"]]
    )
    rows, notes = read_metadata(content, workbook=True)
    assert rows[["name", "url"]].to_numpy().tolist() == [["NORMAL-1", "u"], ["12", "v"]]
    assert rows[list(FIELDS[1:])].isna().all(axis=None)
    assert notes == []


def test_rows_without_a_name_are_left_out():
    rows, _ = read_csv("FILE NAME,URL\nA-1,u\n,v\nA-3,\n")
    assert rows["name"].tolist() == ["A-1", "A-3"]
    assert rows["url"].isna().tolist() == [False, True]


@pytest.mark.parametrize("spelt", ["patient_id", "Patient ID", "PATIENT-ID", "patientid"])
def test_patients_are_found_in_any_spelling_of_their_column(spelt):
    rows, _ = read_csv(f"FILE NAME,{spelt}\na,p 1\n")
    assert rows["patient_id"].tolist() == ["p 1"]


def test_every_column_has_its_type():
    rows, _ = read_csv("image_id,Patient_ID,View,AGE,Sex\na,7,pa,61,female\nb,,,,\n")
    assert rows.dtypes.astype(str).to_dict() == dict.fromkeys(
        ["name", "label", "url", "patient_id", "view", "sex"], "str"
    ) | {"age": "float64"}
    known = ["patient_id", "view", "age", "sex"]
    assert rows.loc[0, known].tolist() == ["7", "PA", 61.0, "F"]
    assert rows.loc[1, known].isna().all()


@pytest.mark.parametrize("word", ["", "unknown", "NaN", "N/A", "?", "-", "None"])
@pytest.mark.parametrize("name", ["patient_id", "view", "age", "sex", "url"])
def test_a_word_for_not_known_is_no_value(name, word):
    values, notes = column(name, word)
    assert pd.isna(values).all()
    assert notes == []


def test_a_patient_number_written_as_a_fraction_is_whole():
    assert column("patient_id", "12.0", "12", "012", "1.20")[0] == ["12", "12", "012", "1.20"]


def test_ages_are_years_whatever_their_unit():
    ages, notes = column("age", "61", "061Y", "18M", "26W", "0.5", "45 years")
    assert ages == pytest.approx([61, 61, 1.5, 26 * 7 / 365.25, 0.5, 45])
    assert notes == []


@pytest.mark.parametrize(
    ("name", "bad", "words"),
    [("age", "60-70", "age in years"), ("age", "999", "age in years"), ("sex", "other", "F or M")],
)
def test_values_that_can_not_be_read_are_counted(name, bad, words):
    values, notes = column(name, bad, bad, "30" if name == "age" else "M")
    assert pd.isna(values).tolist() == [True, True, False]
    assert notes == [f"2 value(s) of {name} are no {words}, and are left out ({bad})"]


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        (["FILE NAME"], "no column URL among "),
        (["URL"], "no column FILE NAME among "),
        (["name", "source"], "no column FILE NAME and URL among "),
    ],
)
def test_missing_columns_are_named_beside_those_there_are(workbook, header, missing):
    with pytest.raises(SheetError) as caught:
        read_metadata(workbook([header, ["a", "b"][: len(header)]]), workbook=True)
    assert str(caught.value) == f"{missing}{header}"


@pytest.mark.parametrize("content", [b"", b"FILE NAME,URL\na,b\n", "cut"])
def test_what_is_no_excel_file_is_called_so(workbook, content):
    content = workbook([["FILE NAME", "URL"], ["a", "b"]])[:-400] if content == "cut" else content
    with pytest.raises(SheetError, match="not a readable Excel file"):
        read_metadata(content, workbook=True)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (
            "https://www.kaggle.com/paultimothymooney/chest-xray/",
            "kaggle.com/paultimothymooney/chest-xray",
        ),
        ("http://sirm.org/covid-19#12", "sirm.org/covid-19"),
        ("github.com/armiro/COVID-CXNet", "github.com/armiro/COVID-CXNet"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_source_without_a_given_name_is_its_url_without_decorations(url, name):
    assert source_name(url) == name
    assert source_name(url, {"elsewhere.org": "Elsewhere"}) == name


def test_a_given_name_applies_to_every_url_that_holds_its_part():
    names = {"kaggle.com/c/rsna": "RSNA", "kaggle.com": "Kaggle"}
    assert source_name("https://www.kaggle.com/c/rsna-pneumonia/data", names) == "RSNA"
    assert source_name("https://www.kaggle.com/other", names) == "Kaggle"


def test_idle_source_names_and_unnamed_urls_are_counted():
    urls = pd.Series(["https://A.org/1", "https://a.org/2", "https://c.org", "https://c.org"])
    assert source_name(urls[0], {"a.org": "A"}) == "A"
    idle, unnamed = unmatched_sources(urls, {"a.org": "A", "b.org": "B"})
    assert idle.startswith("1 of 2 source names match no URL (b.org): see `source_names`")
    assert unnamed.startswith("1 URL(s), of 2 radiographs, match no source name (https://c.org)")


def test_where_every_name_and_url_match_nothing_is_said():
    urls = pd.Series(["https://a.org"])
    assert unmatched_sources(urls, {"a.org": "A"}) == unmatched_sources(urls, {}) == []
    assert unmatched_sources(urls[:0], {"a.org": "A"}) == []
