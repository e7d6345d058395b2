"""Metadata: the source behind each image, however its name is spelt."""

import io

import pandas as pd
import pytest

from covid_xray.studies.metadata import MetadataError, read_source_urls, source_name


def workbook(table):
    buffer = io.BytesIO()
    pd.DataFrame(table).to_excel(buffer, index=False, engine="openpyxl")
    return buffer.getvalue()


def test_urls_are_found_by_the_name_in_lower_case():
    table = {"FILE NAME": ["NORMAL-1", "Normal-2 "], "FORMAT": "PNG", "URL": ["https://a", " b "]}
    assert read_source_urls(workbook(table)) == {"normal-1": "https://a", "normal-2": "b"}


def test_column_names_may_differ_in_case_and_blanks():
    assert read_source_urls(workbook({" File name": ["X-1"], "url ": ["u"]})) == {"x-1": "u"}


def test_rows_without_a_name_or_a_url_are_left_out():
    table = {"FILE NAME": ["A-1", None, "A-3", "A-4"], "URL": ["u", "v", None, "w"]}
    assert read_source_urls(workbook(table)) == {"a-1": "u", "a-4": "w"}


def test_names_that_are_numbers_are_read_as_text():
    assert read_source_urls(workbook({"FILE NAME": [12], "URL": ["u"]})) == {"12": "u"}


@pytest.mark.parametrize(
    ("table", "missing"),
    [
        ({"FILE NAME": ["a"]}, "no column URL among "),
        ({"URL": ["a"]}, "no column FILE NAME among "),
        ({"name": ["a"], "source": ["b"]}, "no column FILE NAME and URL among "),
    ],
)
def test_missing_columns_are_named_beside_those_there_are(table, missing):
    with pytest.raises(MetadataError) as caught:
        read_source_urls(workbook(table))
    assert str(caught.value) == f"{missing}{list(table)}"


@pytest.mark.parametrize(
    "content", [b"", b"FILE NAME,URL\na,b\n", workbook({"FILE NAME": ["a"], "URL": ["b"]})[:-400]]
)
def test_what_is_no_excel_file_is_called_so(content):
    with pytest.raises(MetadataError, match="not a readable Excel file"):
        read_source_urls(content)


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
