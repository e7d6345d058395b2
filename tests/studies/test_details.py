"""Details: what all sheets of a study say of its radiographs, and what is not used."""

import io

import openpyxl
import pytest

from covid_xray.datasets import RadiographyStudyDataset
from covid_xray.imaging.rejection import RejectionReason
from covid_xray.studies.details import metadata_facts
from covid_xray.studies.files import open_study_files
from covid_xray.studies.parameters import ReadingParameters
from covid_xray.studies.reading import RADIOGRAPH_INDEX, read_study
from covid_xray.studies.study import Person, open_study

PEOPLE = b"File Name,Patient ID,View,Age,Sex\n1.png,p1,pa,61,F\n2,p2,,,\n"


@pytest.fixture
def write_classes(write_study, png):
    """Writes two classes of two radiographs each, and the given files."""
    number = {"A/images/1": 1, "A/images/2": 2, "B/images/1": 3, "B/images/2": 4}

    def write(**files):
        pictures = {f"{path}.png": png(seed) for path, seed in number.items()}
        return write_study(pictures | {name.replace("__", "/"): of for name, of in files.items()})

    return write


def test_a_csv_beside_a_class_tells_whom_its_radiographs_show(write_classes):
    study = open_study(write_classes(**{"A.metadata.csv": PEOPLE}))
    assert study.people == {"A-1": Person("p1", "PA", 61.0, "F"), "A-2": Person("p2")}
    assert study.notes == []


@pytest.mark.parametrize("nested", ["", "nested__"])
def test_a_csv_at_the_top_is_of_all_classes(write_study, png, nested):
    content = b"class,image_id,patient_id\n,B-1,p1\nA,1,p2\na,2,p3\n,images/1.png,p4\nC,1,p5\n"
    paths = ("A/images/1.png", "A/images/2.png", "B/images/1.png", "metadata.csv")
    files = {f"{nested}{path}".replace("__", "/"): png(k) for k, path in enumerate(paths)}
    files |= {path: content for path in files if path.endswith("csv")}
    study = open_study(write_study(files))
    assert {name: person.patient_id for name, person in study.people.items()} == {
        "B-1": "p1", "A-1": "p2", "A-2": "p3"
    }  # fmt: skip
    assert [note.partition(": ")[2] for note in study.notes] == [
        "1 of 5 name(s) are of no radiograph, and are left out (1)",
        "1 of 5 name(s) are of more than one radiograph, or two are of one, and are left out "
        "(images/1.png)",
    ]


def test_a_workbook_and_csv_files_complete_each_other(write_classes, workbook):
    book = workbook([["FILE NAME", "URL", "Sex"], ["1", "https://a.org", "M"]])
    top = b"image_id,age,sex\nA-1,50,\nB-2,40,F\n"
    files = {"A.metadata.xlsx": book, "A.metadata.csv": PEOPLE, "metadata.csv": top}
    study = open_study(write_classes(**files))
    assert study.sources == {"A-1": ("a.org", "https://a.org")}
    assert study.people["A-1"] == Person("p1", "PA", 61.0, "M")
    assert study.people["B-2"] == Person(None, None, 40.0, "F")
    assert study.notes == [
        "metadata say different things of 1 radiograph(s), and the first counts (age, sex of A-1)"
    ]


def test_sheets_are_named_in_any_case(write_classes):
    study = open_study(write_classes(**{"a.Metadata.CSV": PEOPLE}))
    assert set(study.people) == {"A-1", "A-2"}


def test_names_of_rejected_files_are_not_called_unknown(write_classes):
    files = {"A__images__3.txt": b"", "A.metadata.csv": PEOPLE + b"3.txt,p3,,,\n3,p3,,,\n"}
    assert open_study(write_classes(**files)).notes == []


def test_an_unreadable_csv_is_listed_and_stops_nothing(write_classes):
    study = open_study(write_classes(**{"metadata.csv": b"no,columns\n1,2\n"}))
    (refused,) = study.rejected
    assert (refused.path, refused.label, refused.kind) == ("metadata.csv", "all", "metadata")
    assert refused.reason is RejectionReason.UNREADABLE_METADATA
    assert refused.detail == "no column FILE NAME and URL among ['no', 'columns']"


def test_source_names_that_match_nothing_are_noted(write_classes):
    folder = write_classes(**{"A.metadata.csv": b"FILE NAME,URL\n1,https://a.org\n"})
    (note,) = open_study(folder, source_names={"a.org": "A", "b.org": "B"}).notes
    assert note.startswith("1 of 2 source names match no URL (b.org)")


@pytest.mark.parametrize("files", [{}, {"A.metadata.csv": PEOPLE}])
def test_the_index_carries_what_is_known_of_the_patients(write_classes, files):
    index = read_study(open_study(write_classes(**files)), ReadingParameters(side=32)).index
    RADIOGRAPH_INDEX.validate(index)
    told = index.set_index("image_id")[["patient_id", "view", "age", "sex"]]
    assert told.dtypes.astype(str).tolist() == ["str", "str", "float64", "str"]
    assert told.loc["B-1"].isna().all()
    if files:
        assert told.loc["A-1"].tolist() == ["p1", "PA", 61.0, "F"]


def test_reading_says_what_of_the_metadata_is_not_used(write_classes, caplog):
    study = open_study(write_classes(**{"A.metadata.csv": PEOPLE + b"9,p9,,,\n"}))
    read_study(study, ReadingParameters(side=32))
    assert "A.metadata.csv: 1 of 3 name(s) are of no radiograph" in caplog.text


def test_a_sheet_of_other_cells_is_another_study(write_classes):
    def fingerprint(**files):
        return RadiographyStudyDataset(filepath=str(write_classes(**files))).fingerprint()

    before = fingerprint(**{"A.metadata.csv": PEOPLE})
    assert fingerprint(**{"A.metadata.csv": PEOPLE}) == before
    assert fingerprint(**{"A.metadata.csv": PEOPLE.replace(b"p1", b"p2")}) != before


def test_a_workbook_counts_by_its_cells_not_its_dates(write_classes, workbook):
    def facts(number, title):
        book = openpyxl.load_workbook(io.BytesIO(workbook([["FILE NAME", "URL"], [number, "u"]])))
        book.properties.title = title
        buffer = io.BytesIO()
        book.save(buffer)
        return metadata_facts(
            open_study_files(write_classes(**{"A.metadata.xlsx": buffer.getvalue()}))
        )

    assert facts(1, "a") == facts(1, "b")
    assert facts(1, "a") != facts(2, "a")
