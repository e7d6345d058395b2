"""Sheets: untidy workbooks and CSV files become text, in no more memory than they hold."""

import io
import re
import time
import tracemalloc
import zipfile

import pytest

from covid_xray.studies.sheets import SheetError, read_csv, read_workbook

COLUMNS = {"filename": "name", "imageid": "name", "url": "url"}
ROWS = [["FILE NAME", "FORMAT", "URL"], ["a-1", "PNG", "u"], ["a-2", "PNG", "v"]]
KNOWN = [["a-1", "u"], ["a-2", "v"]]


def with_dimension(content, dimension):
    """A workbook whose sheet claims another size."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.namelist():
            part = old.read(entry)
            if entry.endswith("sheet1.xml"):
                tag = f'<dimension ref="{dimension}"/>'.encode()
                part, n_changed = re.subn(rb"<dimension[^>]*>", tag, part)
                assert n_changed == 1
            new.writestr(entry, part)
    return buffer.getvalue()


@pytest.mark.parametrize("dimension", ["A1", "A1:B2", "C7:D9", "A1:XFD1048576"])
def test_a_workbook_that_claims_another_size_is_read_whole(workbook, dimension):
    content = with_dimension(workbook(ROWS), dimension)
    assert read_workbook(content, COLUMNS).table.to_numpy().tolist() == KNOWN


@pytest.mark.parametrize("place", ["XFD1048576", "A1048576", "XFD2", "XFD1"])
def test_a_far_stray_cell_costs_no_memory(workbook, place):
    content = workbook(ROWS, **{place: "stray"})
    read_workbook(workbook(ROWS), COLUMNS)  # what is imported late is no cost of the cell
    start = time.process_time()
    table = read_workbook(content, COLUMNS).table
    # A million empty rows take 0.1 s; with all of their cells they took 22.
    assert time.process_time() - start < 3
    tracemalloc.start()
    read_workbook(content, COLUMNS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.to_numpy().tolist()[:2] == KNOWN
    assert len(table) == 2 + (place == "A1048576")
    assert peak < 8 << 20


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (12, "12"),
        (12.0, "12"),
        (0, "0"),
        (1.5, "1.5"),
        (" a ", "a"),
        (True, "True"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_cells_become_text(workbook, cell, text):
    table = read_workbook(workbook([["File name", "URL"], [cell, "u"]]), COLUMNS).table
    assert table["name"].tolist() == [text]


def test_empty_rows_above_and_between_count_for_nothing(workbook):
    content = workbook([[], [None, " "], ROWS[0], [], ROWS[1], [None, "PNG"], ROWS[2]])
    assert read_workbook(content, COLUMNS).table.to_numpy().tolist() == KNOWN


@pytest.mark.parametrize("name", ["FILE NAME", "file_name", " File-Name ", "filename", "image id"])
def test_columns_are_known_in_any_spelling(name):
    assert read_csv(f"{name},x\na,b\n".encode(), COLUMNS).table["name"].tolist() == ["a"]


def test_of_two_columns_for_one_thing_the_preferred_counts():
    table = read_csv(b"image_id,file name\na,b\n", COLUMNS).table
    assert table["name"].tolist() == ["b"]


def test_a_column_that_comes_twice_is_refused():
    with pytest.raises(SheetError, match="'url' comes 2 times"):
        read_csv(b"url,name,URL\na,b,c\n", COLUMNS)


@pytest.mark.parametrize("delimiter", ",;\t")
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_files_are_read_as_spreadsheets_write_them(delimiter, mark):
    lines = [delimiter.join(row) for row in [*ROWS, ["short"], ["", '"PNG\n"', ""]]]
    content = (mark + "\r\n".join(lines)).encode()
    sheet = read_csv(content, COLUMNS)
    assert sheet.table.to_numpy().tolist() == [*KNOWN, ["short", ""]]
    assert sheet.header == ROWS[0]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_csv_file_of_another_encoding_is_refused(encoding):
    with pytest.raises(SheetError, match="save it as CSV UTF-8"):
        read_csv("FILE NAME\n\u00e9\n".encode(encoding), COLUMNS)
