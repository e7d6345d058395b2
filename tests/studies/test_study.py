"""Opening a study: its radiographs, the sources its metadata names, and what was refused."""

import pytest

from covid_xray.imaging.rejection import RejectionReason
from covid_xray.studies.files import StudyError
from covid_xray.studies.study import open_study

COLUMNS = ["FILE NAME", "URL"]


def test_every_radiograph_of_the_phantom_has_the_source_its_truth_names(phantom):
    folder, truth = phantom
    study = open_study(folder)
    urls = {image_id: url for image_id, (_, url) in study.sources.items()}
    assert urls == dict(zip(truth["image_id"], truth["source_url"], strict=True))
    assert "Normal-1" in urls  # spelt NORMAL-1 in its metadata
    assert study.notes == []


def test_radiographs_are_counted_per_class(phantom):
    folder, truth = phantom
    assert open_study(folder).describe() == truth["label"].value_counts(sort=False).to_dict()


def test_given_names_replace_the_urls_they_are_part_of(phantom):
    folder, truth = phantom
    names = {"hospital-a": "Ward A"}
    study = open_study(folder, source_names=names)
    for row in truth.itertuples():
        short = study.sources[row.image_id][0]
        expected = row.source_url.removeprefix("https://")
        assert short == ("Ward A" if row.source == "Hospital A" else expected)


def test_one_name_in_two_classes_takes_the_source_of_its_own_class(write_study, png, workbook):
    folder = write_study(
        {
            "A/images/1.png": png(1),
            "B/images/1.png": png(2),
            "A.metadata.xlsx": workbook([COLUMNS, ["1", "https://a.org"]]),
            "B.metadata.xlsx": workbook([COLUMNS, ["1", "https://b.org"]]),
        }
    )
    sources = open_study(folder).sources
    assert sources == {"A-1": ("a.org", "https://a.org"), "B-1": ("b.org", "https://b.org")}


@pytest.mark.parametrize("content", [b"no workbook", b"", b"PK\x03\x04 and no more"])
def test_unreadable_metadata_is_listed_and_leaves_the_sources_out(write_study, png, content):
    folder = write_study({"A/images/1.png": png(1), "A.metadata.xlsx": content})
    study = open_study(folder)
    assert study.sources == {}
    (refused,) = study.rejected
    assert (refused.path, refused.label, refused.kind) == ("A.metadata.xlsx", "A", "metadata")
    assert refused.reason is RejectionReason.UNREADABLE_METADATA
    assert "not a readable Excel file" in refused.detail


def test_metadata_damaged_inside_a_zip_is_listed_and_stops_nothing(
    write_study, png, workbook, zipped, tmp_path
):
    content = workbook([COLUMNS, ["1", "https://a.org"]])
    folder = write_study({"A/images/1.png": png(1), "A.metadata.xlsx": content})
    archive = zipped(folder, tmp_path / "study.zip")
    damaged = bytearray(archive.read_bytes())
    damaged[damaged.index(content) + len(content) // 2] ^= 0xFF
    archive.write_bytes(damaged)
    study = open_study(archive)
    assert [radiograph.image_id for radiograph in study.radiographs] == ["A-1"]
    (refused,) = study.rejected
    assert refused.reason is RejectionReason.UNREADABLE_METADATA
    assert "CRC" in refused.detail


def test_metadata_without_the_url_column_is_listed_with_the_column(write_study, png, workbook):
    content = workbook([["FILE NAME"], ["1"]])
    folder = write_study({"A/images/1.png": png(1), "A.metadata.xlsx": content})
    (refused,) = open_study(folder).rejected
    assert "no column URL" in refused.detail


def test_a_missing_study_is_refused_with_its_path(tmp_path):
    with pytest.raises(StudyError, match="no study at .*absent"):
        open_study(tmp_path / "absent")
