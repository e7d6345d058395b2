"""Folders: classes are found however untidy a study is, and no file is lost without a word."""

import logging
import os
import unicodedata
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from covid_xray.imaging.decoding import RejectionReason
from covid_xray.studies.files import StudyError
from covid_xray.studies.parameters import ReadingParameters
from covid_xray.studies.reading import read_study
from covid_xray.studies.study import open_study

CLASSES = ["COVID", "Viral Pneumonia"]
DECOMPOSED, COMPOSED = (unicodedata.normalize(form, "Pneumonie avérée") for form in ("NFD", "NFC"))


def ids(layout):
    return {str(file.path): file.image_id for file in layout.radiographs}


def refusals(layout):
    return {file.path: (file.label, file.reason) for file in layout.rejected}


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Viral Pneumonia", "viral_pneumonia"),
        ("Viral Pneumonia", "VIRAL-PNEUMONIA"),
        ("Viral Pneumonia", "Viral  Pneumonia "),
        ("Lung_Opacity", "lung opacity"),
        ("GROß", "gross"),
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
    ],
)
def test_a_class_folder_is_found_however_it_is_spelt(layout_of, name, folder):
    files = [f"{folder}/images/1.png", f"{folder}/masks/1.png", f"{folder}.metadata.xlsx"]
    layout = layout_of(files, [name])
    (radiograph,) = layout.radiographs
    assert (radiograph.label, str(radiograph.path)) == (name, files[0])
    assert str(radiograph.mask_path) == files[1]
    assert layout.metadata == {name: PurePosixPath(files[2])}


def test_labels_and_ids_come_in_one_unicode_form(layout_of):
    (radiograph,) = layout_of([f"{DECOMPOSED}/é.png"]).radiographs
    assert (radiograph.label, radiograph.image_id) == (COMPOSED, f"{COMPOSED}-é")


@pytest.mark.parametrize("classes", [None, ["COVID"]])
@pytest.mark.parametrize("twin", ["covid", "CoViD "])
def test_two_folders_for_one_class_are_refused_by_name(layout_of, classes, twin):
    with pytest.raises(StudyError, match=f"has 2 folders for class '.*'{twin}'.*into one") as error:
        layout_of(["COVID/1.png", f"{twin}/2.png"], classes)
    assert "'COVID'" in str(error.value)


def test_folders_of_one_spelling_are_told_apart_if_named(layout_of):
    layout = layout_of(["ward_a/1.png", "WARD-A/2.png"], {"Sick": "ward_a", "Healthy": "WARD-A"})
    assert ids(layout) == {"ward_a/1.png": "Sick-1", "WARD-A/2.png": "Healthy-2"}


@pytest.mark.parametrize("top", ["", "Dataset/", "Dataset/Dataset/", "a/b/c/", "covid/"])
@pytest.mark.parametrize("images", ["", "images/", "Images/"])
@pytest.mark.parametrize("classes", [None, CLASSES])
def test_the_classes_are_found_below_their_wrapping(layout_of, top, images, classes):
    files = [f"{top}{label}/{images}{n}.png" for label in CLASSES for n in (1, 2)]
    layout = layout_of([*files, "README.md", "notes.txt", f"{top}sources.csv"], classes)
    assert list(ids(layout)) == files
    assert layout.rejected == []


def test_a_class_folder_inside_one_of_its_own_name_is_read(layout_of):
    files = [f"{label}/{label}/images/1.png" for label in CLASSES]
    assert list(ids(layout_of(files, CLASSES))) == files


@pytest.mark.parametrize(
    ("first", "second"), [("a/COVID", "b/COVID"), ("COVID", "old/covid"), ("COVID", "b/Normal")]
)
def test_classes_in_two_places_are_refused_with_both(layout_of, first, second):
    names = [f"{first}/1.png", f"{second}/1.png", f"{first}/../Normal/1.png"]
    with pytest.raises(StudyError, match="Move one of them away.*study_path=FOLDER") as error:
        layout_of(names, ["COVID", "Normal"])
    assert f"'{PurePosixPath(second).parent}'" in str(error.value)


def test_images_beside_their_folder_are_read_with_masks(layout_of):
    names = ["A/1.png", "A/images/2.png", "A/masks/1.png", "A/Lung Masks/2.png"]
    layout = layout_of(names)
    assert {str(file.path): str(file.mask_path) for file in layout.radiographs} == {
        "A/1.png": "A/masks/1.png",
        "A/images/2.png": "A/Lung Masks/2.png",
    }
    assert layout.rejected == []


@pytest.mark.parametrize("order", [("class", "kind"), ("kind", "class")])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_split_folders_are_merged_wherever_they_stand(layout_of, order, at):
    def path(split, kind, name):
        parts = [{"class": "COVID", "kind": kind}[part] for part in order]
        return "/".join([*parts[:at], split, *parts[at:], name])

    images = [path("Training", "images", "1.png"), path("val", "images", "2.png")]
    masks = [path("val", "masks", "2.png")]
    layout = layout_of(images + masks, ["COVID"])
    assert ids(layout) == dict(zip(images, ["COVID-1", "COVID-2"], strict=True))
    assert [file.mask_path and str(file.mask_path) for file in layout.radiographs] == [None, *masks]
    assert layout.rejected == []
    (note,) = layout.notes
    assert "split folders are merged" in note
    assert "1 file(s) of Training, 1 file(s) of val" in note


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_split_folders_below_a_wrapping_hold_the_same_classes(layout_of, classes):
    files = [f"set/{s}/{c}/{c}-{s}.png" for c in CLASSES for s in ("test", "train", "validation")]
    layout = layout_of(files, classes)
    assert list(ids(layout)) == files
    assert [file.label for file in layout.radiographs] == [c for c in CLASSES for _ in range(3)]


def test_a_name_in_two_splits_is_kept_twice(layout_of):
    names = [f"{split}/COVID/{part}/1.png" for split in ("train", "test") for part in ("images",)]
    layout = layout_of([*names, "train/COVID/images/2.png", "test/COVID/masks/1.png"], ["COVID"])
    assert ids(layout) == {
        "test/COVID/images/1.png": "COVID-1-test",
        "train/COVID/images/1.png": "COVID-1-train",
        "train/COVID/images/2.png": "COVID-2",
    }
    masks = {file.image_id: file.mask_path for file in layout.radiographs}
    assert masks["COVID-1-test"] == PurePosixPath("test/COVID/masks/1.png")
    assert masks["COVID-1-train"] is None


def test_a_class_called_like_a_split_is_a_class(layout_of):
    layout = layout_of(["test/1.png", "control/1.png"], ["test", "control"])
    assert ids(layout) == {"test/1.png": "test-1", "control/1.png": "control-1"}
    assert layout.notes == []


def test_a_second_metadata_sheet_of_a_class_is_listed(layout_of):
    sheets = [f"{split}/COVID.metadata.xlsx" for split in ("test", "train")]
    layout = layout_of(["train/COVID/1.png", "test/COVID/2.png", *sheets], ["COVID"])
    assert layout.metadata == {"COVID": PurePosixPath(sheets[0])}
    assert refusals(layout) == {sheets[1]: ("COVID", RejectionReason.DUPLICATE_NAME)}
    assert sheets[0] in layout.rejected[0].detail


def test_files_in_folders_that_mean_nothing_are_listed(layout_of):
    names = ["A/images/1.png", "B/1.png", "A/infection masks/1.png", "A/images/old/2.png", "9.png"]
    layout = layout_of(names)
    assert list(ids(layout)) == names[:2]
    assert refusals(layout) == {
        names[2]: ("A", RejectionReason.UNKNOWN_FOLDER),
        names[3]: ("A", RejectionReason.UNKNOWN_FOLDER),
        names[4]: ("no class", RejectionReason.UNKNOWN_FOLDER),
    }
    details = {file.path: file.detail for file in layout.rejected}
    assert "'A/infection masks' is not read: radiographs belong" in details[names[2]]


def test_folders_that_classes_leave_out_are_told(write_study, png, caplog):
    folder = write_study({f"{c}/{n}.png": png(n) for c in ("A", "B", "C") for n in (1, 2)})
    with caplog.at_level(logging.INFO):
        study = open_study(folder, ["A", "B"])
    assert study.describe() == {"A": 2, "B": 2}
    assert "folders that `classes` does not name are left out: C (2 file(s))" in caplog.text
    assert str(folder) in caplog.text


@pytest.mark.parametrize(
    ("names", "images"),
    [
        (["1.png", "2.png", "masks/1.png"], ["1.png", "2.png"]),
        (["train/images/1.png", "test/images/2.png"], ["train/images/1.png", "test/images/2.png"]),
        (["images/1.png", "notes.csv", "README"], ["images/1.png"]),
    ],
)
def test_a_study_without_classes_is_one_unlabelled_class(layout_of, names, images):
    layout = layout_of(names)
    assert {file.label for file in layout.radiographs} == {"unlabelled"}
    assert sorted(ids(layout)) == sorted(images)
    assert layout.rejected == []


def test_missing_classes_are_named_beside_those_there(layout_of):
    with pytest.raises(StudyError, match="for 'COVID'; it has 'healthy', 'sick'.*classes.CLASS="):
        layout_of(["set/healthy/1.png", "set/sick/1.png"], ["COVID"])


@pytest.fixture
def linked(write_study, png, tmp_path):
    """A study whose class A is a link to a folder, with a link to a file and one to nowhere."""
    folder = write_study({"B/1.png": png(1), "B/2.png": png(2)})
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "images").mkdir(parents=True)
    (elsewhere / "images/1.png").write_bytes(png(3))
    (elsewhere / "images/2.png").symlink_to(folder / "B/2.png")
    (elsewhere / "images/3.png").symlink_to(tmp_path / "nowhere.png")
    (elsewhere / "masks").symlink_to(tmp_path / "no masks")
    (folder / "A").symlink_to(elsewhere)
    return folder


def test_links_to_folders_and_files_are_followed(linked):
    result = read_study(open_study(linked), ReadingParameters(side=40))
    files = ["A/images/1.png", "A/images/2.png", "B/1.png", "B/2.png"]
    assert result.index["file"].tolist() == files
    assert (result.images[1] == result.images[3]).all()


def test_broken_links_are_rejected_in_words(linked):
    rejected = read_study(open_study(linked), ReadingParameters(side=40)).rejected
    assert rejected[["file", "label", "reason"]].to_numpy().tolist() == [
        ["A/images/3.png", "A", "unreadable_file"],
        ["A/masks", "A", "unreadable_file"],
    ]
    assert rejected["detail"].str.contains("link that leads nowhere").all()


def test_loops_of_links_end_and_are_rejected(write_study, png):
    folder = write_study({"A/images/1.png": png(1)})
    (folder / "A/images/again").symlink_to(folder)
    (folder / "A/images/self.png").symlink_to("self.png")
    study = open_study(folder, ["A"])
    assert ids(study) == {"A/images/1.png": "A-1"}
    assert {file.path: file.reason for file in study.rejected} == {
        "A/images/again": RejectionReason.UNREADABLE_FILE,
        "A/images/self.png": RejectionReason.UNREADABLE_FILE,
    }
    assert "a link to a folder that it lies in" in study.rejected[0].detail


def test_what_is_neither_file_nor_folder_is_rejected(write_study, png):
    folder = write_study({"A/1.png": png(1), "A/masks/2.png": png(1)})
    os.mkfifo(folder / "A/2.png")
    os.mkfifo(folder / "A/masks/1.png")
    details = {file.path: file.detail for file in open_study(folder).rejected}
    assert details["A/2.png"] == details["A/masks/1.png"] == "it is neither a file nor a folder"


def test_a_name_that_is_no_text_is_rejected_and_can_be_saved(write_study, png, tmp_path):
    folder = write_study({"A/1.png": png(1)})
    Path(os.fsdecode(os.fsencode(folder) + b"/A/\xff.png")).write_bytes(png(2))
    rejected = read_study(open_study(folder), ReadingParameters(side=40)).rejected
    rejected.to_parquet(tmp_path / "rejected.parquet")
    assert rejected["file"].tolist() == ["A/\\udcff.png"]
    assert "rename it" in rejected["detail"][0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_folder_without_rights_is_rejected(write_study, png):
    folder = write_study({"A/1.png": png(1), "A/masks/1.png": png(1)})
    (folder / "A/masks").chmod(0)
    try:
        (refused,) = open_study(folder).rejected
    finally:
        (folder / "A/masks").chmod(0o700)
    assert (refused.path, "can't be opened" in refused.detail) == ("A/masks", True)


FOLDERS = [
    "COVID",
    "covid",
    "Normal",
    "images",
    "Images",
    "masks",
    "train",
    "VAL",
    "old",
    ".git",
] + [
    "été",
    unicodedata.normalize("NFD", "été"),
    "a b,c",
    "__MACOSX",
]
NAMES = [
    "1.png",
    "1.jpg",
    "1.PNG",
    "COVID-1.png",
    "é.png",
    "2",
    "scan.dcm",
    "notes.txt",
    "x\n.png",
] + [
    "README.md",
    ".DS_Store",
    "Thumbs.db",
    "COVID.metadata.xlsx",
    "-.png",
    "nowhere.png",
    "loop",
]
USUAL = [["COVID"], ["COVID", "masks"], ["masks", "COVID"], ["COVID", "images"], ["train", "COVID"]]
TREES = st.lists(
    st.tuples(
        st.sampled_from(USUAL) | st.lists(st.sampled_from(FOLDERS), max_size=4),
        st.sampled_from(NAMES),
    ),
    max_size=12,
)


def write_tree(folder, tree, content):
    """Writes the files of a tree; `loop` and `nowhere` become links."""
    for parts, name in tree:
        path = folder.joinpath(*parts, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            continue
        if name in ("nowhere.png", "loop"):
            path.symlink_to("gone" if name == "nowhere.png" else folder)
        else:
            path.write_bytes(content)
    (folder / "empty/folder").mkdir(parents=True)


def on_purpose(path):
    """Whether a file of a tree is left out on purpose, wherever it lies."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return hidden or path.name in ("Thumbs.db", "README.md", "COVID.metadata.xlsx")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=TREES, classes=st.sampled_from([None, ["COVID"], ["COVID", "Normal"]]))
def test_files_on_disk_are_the_index_masks_and_rejected_files(tree, classes, png):
    with TemporaryDirectory() as folder:
        write_tree(Path(folder), [*tree, (["COVID"], "kept.png"), (["Normal"], "kept.png")], png(1))
        try:
            study = open_study(Path(folder), classes)
            result = read_study(study, ReadingParameters(side=40))
        except StudyError as error:
            assert folder in str(error)
            event("refused")
            return
        on_disk = {
            PurePosixPath(Path(parent, name).relative_to(folder))
            for parent, folders, names in os.walk(folder)
            for name in [*names, *(f for f in folders if Path(parent, f).is_symlink())]
        }
    rejected = list(result.rejected["file"])
    masks = {str(file.mask_path) for file in study.radiographs if file.mask_path}
    told = [*result.index["file"], *rejected, *(masks - set(rejected))]
    assert len(told) == len(set(told))
    assert set(map(PurePosixPath, told)) <= on_disk
    assert {path for path in on_disk if is_used(path, classes)} <= set(map(PurePosixPath, told))


def is_used(path, classes):
    """Whether a file of a tree must be told of: all but what is left out on purpose."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    if hidden or path.name in ("Thumbs.db", "README.md", "COVID.metadata.xlsx"):
        return False
    others = {"images", "masks", "train", "val"}
    folders = {part.casefold() for part in path.parts[:-1]} - others
    in_class = folders & {name.casefold() for name in classes or ("COVID", "Normal")}
    return bool(in_class) or (path.suffix != ".txt" and not (classes and folders))
