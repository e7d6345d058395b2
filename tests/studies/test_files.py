"""Files: a folder and a zip of it are the same study; a dangerous or broken one is refused."""

from pathlib import PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from covid_xray.imaging.rejection import RejectedFileError, RejectionReason
from covid_xray.studies.files import StudyError, open_study_files

CONTENTS = {
    "COVID/images/COVID-1.png": b"first",
    "COVID/images/COVID-2.png": b"second picture" * 100,
    "COVID/masks/COVID-1.png": b"",
    "COVID.metadata.xlsx": bytes(range(256)),
}
CLUTTER = {
    ".DS_Store": b"x",
    "COVID/images/.hidden.png": b"x",
    ".cache/COVID/images/a.png": b"x",
    "__MACOSX/COVID/images/._COVID-1.png": b"x",
    "COVID/Thumbs.db": b"x",
}


@pytest.fixture
def zip_of(tmp_path):
    def write(contents, name="study.zip"):
        with ZipFile(tmp_path / name, "w", ZIP_DEFLATED) as archive:
            for entry, content in contents.items():
                archive.writestr(entry, content)
        return tmp_path / name

    return write


@pytest.fixture(params=["folder", "zip"])
def opened(request, write_study, zip_of):
    write = write_study if request.param == "folder" else zip_of
    location = write(CONTENTS | CLUTTER)
    return location, open_study_files(location)


def test_sizes_and_bytes_are_those_of_the_files(opened):
    location, files = opened
    assert files.location == location
    assert files.sizes == {PurePosixPath(k): len(v) for k, v in CONTENTS.items()}
    assert {str(path): files.read(path) for path in files.sizes} == CONTENTS


def test_paths_come_in_order(opened):
    _, files = opened
    assert list(files.sizes) == sorted(files.sizes)


def test_hidden_files_and_the_clutter_of_file_managers_are_left_out(opened):
    _, files = opened
    assert not {str(path) for path in files.sizes} & set(CLUTTER)


def test_a_folder_and_its_zip_give_the_same_sizes_and_bytes(write_study, zipped, tmp_path):
    folder = write_study(CONTENTS | CLUTTER)
    loose = open_study_files(folder)
    packed = open_study_files(zipped(folder, tmp_path / "study.zip"))
    assert list(loose.sizes.items()) == list(packed.sizes.items())
    assert all(loose.read(path) == packed.read(path) for path in loose.sizes)


def test_sizes_are_the_bytes_on_disk_whether_packed_or_not(write_study, zip_of):
    folder = write_study(CONTENTS)
    for location in (folder, zip_of(CONTENTS)):
        sizes = open_study_files(location).sizes
        assert sizes == {path: (folder / path).stat().st_size for path in sizes}


@pytest.mark.parametrize("separator", ["./COVID/images/a.png", "COVID\\images\\a.png"])
def test_a_zip_that_spells_its_paths_otherwise_is_read_too(zip_of, separator):
    files = open_study_files(zip_of({"./": b"", separator: b"picture"}))
    assert files.sizes == {PurePosixPath("COVID/images/a.png"): 7}
    assert files.read(PurePosixPath("COVID/images/a.png")) == b"picture"


@pytest.mark.parametrize(
    "entry",
    [
        "../outside.png",
        "COVID/../../outside.png",
        "..\\outside.png",
        "/etc/outside.png",
        "C:\\outside.png",
        "C:/outside.png",
    ],
)
def test_a_zip_with_an_entry_outside_itself_is_refused_by_name(zip_of, entry):
    location = zip_of(CONTENTS | {entry: b"x"})
    with pytest.raises(StudyError) as caught:
        open_study_files(location)
    message = str(caught.value)
    assert str(location) in message
    assert f"'{entry}' points outside" in message
    assert "Download the study again" in message


def patched(location, path, *, method=None, flags=0):
    """The archive with another compression method or flags in both headers of an entry."""
    content = bytearray(location.read_bytes())
    for signature, start, name in ((b"PK\3\4", 6, 30), (b"PK\1\2", 8, 46)):
        place = -1
        while (place := content.index(signature, place + 1)) >= 0:
            if content[place + name :].startswith(path.encode()):
                break
        content[place + start] |= flags
        if method is not None:
            content[place + start + 2 : place + start + 4] = method.to_bytes(2, "little")
    location.write_bytes(content)
    return location


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"flags": 1}, RejectionReason.ENCRYPTED, "password.*unpack the zip"),
        ({"method": 9}, RejectionReason.UNKNOWN_COMPRESSION, "Deflate64.*unpack the zip"),
        ({"method": 93}, RejectionReason.UNKNOWN_COMPRESSION, "method 93.*unpack the zip"),
        ({"flags": 1, "method": 99}, RejectionReason.ENCRYPTED, "password"),
    ],
)
def test_an_entry_that_python_cant_unpack_is_rejected_by_itself(zip_of, change, reason, words):
    bad, good = list(CONTENTS)[:2]
    files = open_study_files(patched(zip_of(CONTENTS), bad, **change))
    assert len(files.sizes) == len(CONTENTS)
    for read in (files.read, lambda path: files.start(path, 4)):
        with pytest.raises(RejectedFileError, match=words) as caught:
            read(PurePosixPath(bad))
        assert caught.value.reason is reason
    assert files.read(PurePosixPath(good)) == CONTENTS[good]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("again", ["A/1.png", "./A/1.png", "A\\1.png"])
def test_two_entries_of_one_path_are_both_rejected(tmp_path, again):
    with ZipFile(tmp_path / "study.zip", "w") as archive:
        for name, content in (("A/1.png", b"one"), ("A/2.png", b"two"), (again, b"other")):
            archive.writestr(name, content)
    files = open_study_files(tmp_path / "study.zip")
    assert [str(path) for path in files.sizes] == ["A/1.png", "A/2.png"]
    with pytest.raises(RejectedFileError, match="2 files of this path: pack it anew") as caught:
        files.read(PurePosixPath("A/1.png"))
    assert caught.value.reason is RejectionReason.STORED_TWICE
    assert files.read(PurePosixPath("A/2.png")) == b"two"


def test_the_start_of_a_file_is_read_alone(opened):
    _, files = opened
    path = PurePosixPath("COVID/images/COVID-2.png")
    assert files.start(path, 6) == b"second"


def test_nothing_at_the_path_is_said_with_the_path_and_the_remedy(tmp_path):
    with pytest.raises(StudyError, match="no study at .*absent.*Check the path"):
        open_study_files(tmp_path / "absent")


def test_a_plain_file_is_neither_a_folder_nor_a_zip(tmp_path):
    (tmp_path / "notes.txt").write_text("radiographs, to do")
    with pytest.raises(StudyError, match=r"notes\.txt is neither a folder.*Give the study's"):
        open_study_files(tmp_path / "notes.txt")


def test_a_zip_cut_short_is_refused_with_its_path_and_the_remedy(zip_of):
    location = zip_of(CONTENTS)
    whole = location.read_bytes()
    location.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StudyError, match=r"study\.zip is .*[Dd]ownload it again"):
        open_study_files(location)


def test_a_zip_with_a_damaged_directory_is_refused_with_its_path_and_the_remedy(zip_of):
    location = zip_of(CONTENTS)
    damaged = bytearray(location.read_bytes())
    damaged[damaged.index(b"PK\x01\x02")] ^= 0xFF
    location.write_bytes(damaged)
    with pytest.raises(StudyError, match=r"study\.zip is not a whole zip.*Download it again"):
        open_study_files(location)
