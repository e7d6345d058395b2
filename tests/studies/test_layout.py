"""Layout: which file is a radiograph, a mask or metadata, and what is refused by its name."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covid_xray.imaging.rejection import RejectionReason
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
        (r.image_id, r.label, str(r.path), str(r.mask_paths[0]) if r.mask_paths else None)
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


@pytest.mark.parametrize("suffix", ["bmp", "TIF", "tiff", "webp", "jfif"])
def test_every_accepted_format_is_offered_by_its_suffix(layout_of, suffix):
    layout = layout_of([f"A/images/1.{suffix}"])
    assert [row[2] for row in as_rows(layout)] == [f"A/images/1.{suffix}"]


@pytest.mark.parametrize("name", ["1.dcm", "1.dat", "1", "1.png.bak"])
def test_a_picture_is_offered_whatever_its_suffix_says(write_study, png, name):
    study = FolderFiles(write_study({f"A/images/{name}": png(1), "A/images/2.txt": b"notes"}))
    layout = read_layout(study)
    assert [row[2] for row in as_rows(layout)] == [f"A/images/{name}"]
    assert [file.path for file in layout.rejected] == ["A/images/2.txt"]


def test_digits_behind_a_dot_are_part_of_a_name(write_study, png):
    study = FolderFiles(write_study({f"A/images/1.2.840.{n}": png(n) for n in (1, 2)}))
    assert [row[0] for row in as_rows(read_layout(study))] == ["A-1.2.840.1", "A-1.2.840.2"]


def test_a_note_beside_a_picture_does_not_take_its_name(layout_of):
    layout = layout_of(["A/images/1.json", "A/images/1.png", "A/masks/1.json", "A/masks/1.png"])
    assert as_rows(layout) == [("A-1", "A", "A/images/1.png", "A/masks/1.png")]
    assert refusals(layout) == [
        ("A/images/1.json", "A", "radiograph", RejectionReason.NOT_AN_IMAGE),
        ("A/masks/1.json", "A", "lung_mask", RejectionReason.NOT_AN_IMAGE),
    ]


@pytest.mark.parametrize(
    "mask",
    ["masks/scan.tif", "masks/scan_mask.png", "masks/Scan-Mask.jpg", "images/scan_mask.png"]
    + ["images/scan-mask.bmp"],
)
def test_a_mask_is_found_by_any_of_its_usual_names(layout_of, mask):
    layout = layout_of(["A/images/scan.jpg", f"A/{mask}"])
    assert as_rows(layout) == [("A-scan", "A", "A/images/scan.jpg", f"A/{mask}")]
    assert layout.rejected == []


def test_a_mask_beside_its_radiograph_in_the_class_folder_is_found(layout_of):
    layout = layout_of(["A/scan.jpg", "A/scan_mask.png"], ["A"])
    assert as_rows(layout) == [("A-scan", "A", "A/scan.jpg", "A/scan_mask.png")]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("masks/s_left.png", "masks/s_right.png"),
        ("masks/s-left.png", "masks/s-RIGHT.png"),
        ("masks/s_mask_left.png", "masks/s_mask_right.png"),
        ("images/s_left_mask.png", "images/s_right_mask.png"),
    ],
)
def test_the_masks_of_both_lungs_come_together_and_one_alone_not(layout_of, left, right):
    (radiograph,) = layout_of(["A/images/s.png", f"A/{right}", f"A/{left}"]).radiographs
    assert [str(path) for path in radiograph.mask_paths] == [f"A/{left}", f"A/{right}"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_mask_of_one_lung_alone_is_refused(layout_of, side):
    layout = layout_of(["A/images/s.png", f"A/masks/s_{side}.png"])
    assert layout.radiographs[0].mask_paths == ()
    assert refusals(layout) == [
        (f"A/masks/s_{side}.png", "A", "lung_mask", RejectionReason.HALF_MASK)
    ]
    assert f"the {side} lung only" in layout.rejected[0].detail


def test_a_whole_mask_is_preferred_to_its_halves(layout_of):
    masks = ["s.png", "s_left.png", "s_right.png", "s_mask.png"]
    layout = layout_of(["A/images/s.png", *(f"A/masks/{name}" for name in masks)])
    assert [str(path) for path in layout.radiographs[0].mask_paths] == ["A/masks/s.png"]
    assert {file.reason for file in layout.rejected} == {RejectionReason.DUPLICATE_NAME}
    assert len(layout.rejected) == 3


def test_a_radiograph_called_left_has_its_own_mask(layout_of):
    layout = layout_of(["A/images/s_left.png", "A/masks/s_left.png"])
    assert [row[3] for row in as_rows(layout)] == ["A/masks/s_left.png"]


def test_a_mask_among_the_images_is_never_a_radiograph(layout_of):
    layout = layout_of(["A/images/1.png", "A/images/2_mask.png"])
    assert [row[0] for row in as_rows(layout)] == ["A-1"]
    assert refusals(layout) == [
        ("A/images/2_mask.png", "A", "lung_mask", RejectionReason.MASK_WITHOUT_IMAGE)
    ]
    with pytest.raises(StudyError, match="'2_mask.png' because its name is that of a lung mask"):
        layout_of(["B/images/2_mask.png"], ["B"])


@pytest.mark.parametrize("name", ["1.dcm", "notes.txt", "noext"])
def test_files_that_are_no_picture_are_refused_by_name(layout_of, name):
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
    assert "'.dcm' files are not read, only PNG, JPEG, BMP, TIFF or WebP" in message
    assert "`classes`" in message


def test_a_study_without_any_picture_says_what_was_expected(layout_of):
    with pytest.raises(
        StudyError, match="holds no PNG, JPEG, BMP, TIFF or WebP file. Expected <class>/images"
    ):
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


@pytest.mark.parametrize("label", ["all", "non-COVID"])
def test_a_class_called_like_several_classes_is_refused(layout_of, label):
    with pytest.raises(StudyError, match=f"called '{label}'.*--params classes.NAME={label}"):
        layout_of([f"{label}/images/a.png", "COVID/images/b.png"])
