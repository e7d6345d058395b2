"""Layout: which file is a radiograph, a mask or metadata, and what is refused by its name."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covid_xray.imaging.decoding import RejectionReason
from covid_xray.studies.files import FolderFiles, StudyError
from covid_xray.studies.layout import image_id_of, natural_order, read_layout

KAGGLE = [
    "COVID/images/COVID-1.png",
    "COVID/images/COVID-2.png",
    "COVID/masks/COVID-1.png",
    "COVID.metadata.xlsx",
    "Viral Pneumonia/images/Viral Pneumonia-1.png",
    "README.md.txt",
]


def as_rows(layout):
    return [
        (r.image_id, r.label, str(r.path), r.mask_path and str(r.mask_path))
        for r in layout.radiographs
    ]


def refusals(layout):
    return [(file.path, file.label, file.kind, file.reason) for file in layout.rejected]


@pytest.mark.parametrize("nest", ["", "COVID-19_Radiography_Dataset/"])
@pytest.mark.parametrize("classes", [None, ["COVID", "Viral Pneumonia"]])
def test_the_kaggle_layout_is_read_at_the_top_or_one_folder_deep(layout_of, nest, classes):
    layout = layout_of([nest + name for name in KAGGLE], classes)
    covid, pneumonia = f"{nest}COVID", f"{nest}Viral Pneumonia/images/Viral Pneumonia-1.png"
    assert as_rows(layout) == [
        ("COVID-1", "COVID", f"{covid}/images/COVID-1.png", f"{covid}/masks/COVID-1.png"),
        ("COVID-2", "COVID", f"{covid}/images/COVID-2.png", None),
        ("Viral Pneumonia-1", "Viral Pneumonia", pneumonia, None),
    ]
    assert layout.metadata == {"COVID": PurePosixPath(f"{nest}COVID.metadata.xlsx")}
    assert layout.rejected == []


def test_the_size_of_each_radiograph_comes_with_it(write_study):
    folder = write_study({"A/images/1.png": b"1234567", "A/images/2.png": b"12"})
    assert [r.n_bytes for r in read_layout(FolderFiles(folder)).radiographs] == [7, 2]


@pytest.mark.parametrize("nest", ["", "study one/"])
@pytest.mark.parametrize("classes", [None, ["A", "B"]])
def test_class_folders_without_an_images_folder_are_read(layout_of, nest, classes):
    layout = layout_of([f"{nest}A/1.png", f"{nest}A/2.jpg", f"{nest}B/1.jpeg"], classes)
    assert [row[:3] for row in as_rows(layout)] == [
        ("A-1", "A", f"{nest}A/1.png"),
        ("A-2", "A", f"{nest}A/2.jpg"),
        ("B-1", "B", f"{nest}B/1.jpeg"),
    ]


def test_a_flat_pair_of_folders_is_one_unlabelled_class(layout_of):
    layout = layout_of(["images/x-1.png", "images/x-2.png", "masks/x-2.png"])
    assert as_rows(layout) == [
        ("x-1", "unlabelled", "images/x-1.png", None),
        ("x-2", "unlabelled", "images/x-2.png", "masks/x-2.png"),
    ]


def test_classes_can_be_mapped_to_folders_of_other_names(layout_of):
    layout = layout_of(
        ["covid_pos/images/1.png", "healthy/images/1.png", "healthy.metadata.xlsx", "junk/a.txt"],
        {"Normal": "healthy", "COVID": "covid_pos"},
    )
    assert as_rows(layout) == [
        ("Normal-1", "Normal", "healthy/images/1.png", None),
        ("COVID-1", "COVID", "covid_pos/images/1.png", None),
    ]
    assert layout.metadata == {"Normal": PurePosixPath("healthy.metadata.xlsx")}


def test_only_the_classes_asked_for_are_read(layout_of):
    layout = layout_of(["A/images/1.png", "B/images/1.png"], ["B"])
    assert [row[0] for row in as_rows(layout)] == ["B-1"]


def test_a_mask_is_found_by_its_stem_whatever_its_suffix_or_case(layout_of):
    layout = layout_of(["A/images/Scan-1.JPG", "A/masks/scan-1.png"])
    assert as_rows(layout) == [("A-Scan-1", "A", "A/images/Scan-1.JPG", "A/masks/scan-1.png")]
    assert layout.rejected == []


def test_a_mask_without_a_radiograph_is_refused(layout_of):
    layout = layout_of(["A/images/1.png", "A/masks/1.png", "A/masks/2.png"])
    assert refusals(layout) == [
        ("A/masks/2.png", "A", "lung_mask", RejectionReason.MASK_WITHOUT_IMAGE)
    ]


def test_a_second_mask_of_one_radiograph_is_refused_and_names_the_first(layout_of):
    layout = layout_of(["A/images/1.png", "A/masks/1.jpg", "A/masks/1.png"])
    assert as_rows(layout) == [("A-1", "A", "A/images/1.png", "A/masks/1.jpg")]
    assert refusals(layout) == [("A/masks/1.png", "A", "lung_mask", RejectionReason.DUPLICATE_NAME)]
    assert "A/masks/1.jpg" in layout.rejected[0].detail


@pytest.mark.parametrize("second", ["a.png", "A.jpg", "A.png"])
def test_a_second_file_of_one_name_is_refused_and_names_the_first(layout_of, second):
    layout = layout_of(["X/images/a.jpg", f"X/images/{second}"])
    (kept,), (refused,) = layout.radiographs, layout.rejected
    assert {str(kept.path), refused.path} == {"X/images/a.jpg", f"X/images/{second}"}
    assert refused.reason is RejectionReason.DUPLICATE_NAME
    assert str(kept.path) in refused.detail


def test_one_name_in_two_classes_is_refused_the_second_time(layout_of):
    layout = layout_of(
        ["COVID/images/COVID-1.png", "covid-1/images/covid-1.png", "covid-1/images/covid-1-b.png"],
        ["COVID", "covid-1"],
    )
    assert refusals(layout) == [
        ("covid-1/images/covid-1.png", "covid-1", "radiograph", RejectionReason.DUPLICATE_NAME)
    ]


@pytest.mark.parametrize("name", ["1.dcm", "notes.txt", "1.tiff", "noext"])
def test_other_suffixes_are_refused_by_name(layout_of, name):
    layout = layout_of(["A/images/2.png", f"A/images/{name}"])
    assert [row[0] for row in as_rows(layout)] == ["A-2"]
    assert refusals(layout) == [
        (f"A/images/{name}", "A", "radiograph", RejectionReason.NOT_AN_IMAGE)
    ]
    assert f"'{PurePosixPath(name).suffix}' files are not read" in layout.rejected[0].detail


def test_a_class_without_a_folder_is_named_with_the_folders_there_are(layout_of):
    with pytest.raises(StudyError) as caught:
        layout_of(["COVID/images/1.png", "Healthy/images/1.png"], ["COVID", "Normal"])
    message = str(caught.value)
    assert "no folder with files for 'Normal'; it has 'COVID', 'Healthy'" in message
    assert "`classes`" in message


def test_a_class_without_a_file_in_its_images_folder_is_named_as_empty(layout_of):
    with pytest.raises(StudyError, match="Class 'Normal' is empty: .*Normal/images.*`classes`"):
        layout_of(["COVID/images/1.png", "Normal/masks/1.png"], ["COVID", "Normal"])


def test_a_class_whose_every_file_is_refused_by_name_stops_the_study(layout_of):
    with pytest.raises(StudyError) as caught:
        layout_of(["COVID/images/1.png", "Normal/images/1.dcm", "Normal/images/2.dcm"])
    message = str(caught.value)
    assert "Class 'Normal' has no radiograph: all 2 file(s) of Normal/images" in message
    assert "'.dcm' files are not read, only PNG and JPEG" in message
    assert "`classes`" in message


def test_a_study_without_any_picture_says_what_was_expected(layout_of):
    with pytest.raises(StudyError, match="holds no PNG or JPEG file. Expected <class>/images"):
        layout_of(["COVID/images/1.dcm", "notes.txt"])


def test_radiographs_come_by_class_and_then_in_natural_order(layout_of):
    numbers = [10, 2, 1, 100, 20]
    layout = layout_of([f"{c}/images/{c}-{n}.png" for c in "BA" for n in numbers], ["B", "A"])
    assert [row[0] for row in as_rows(layout)] == [
        f"{c}-{n}" for c in "BA" for n in (1, 2, 10, 20, 100)
    ]


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_natural_order_is_the_order_of_the_numbers(numbers):
    names = [f"COVID-{number}" for number in numbers]
    assert sorted(names, key=natural_order) == [f"COVID-{number}" for number in sorted(numbers)]


@given(st.lists(st.text("aB-1٣ 07", max_size=6), max_size=8))
def test_any_names_can_be_ordered_and_text_without_digits_keeps_its_order(names):
    keys = sorted(natural_order(name) for name in names)
    assert len(keys) == len(names)
    plain = [name for name in names if not any(letter.isdecimal() for letter in name)]
    assert sorted(plain, key=natural_order) == sorted(plain)


@pytest.mark.parametrize(
    ("label", "stem", "image_id"),
    [
        ("COVID", "COVID-12", "COVID-12"),
        ("Normal", "NORMAL-1", "NORMAL-1"),
        ("COVID", "001", "COVID-001"),
        ("Normal", "not-normal", "Normal-not-normal"),
        ("unlabelled", "001", "001"),
    ],
)
def test_an_image_id_is_led_by_its_class_exactly_once(label, stem, image_id):
    assert image_id_of(label, stem) == image_id
