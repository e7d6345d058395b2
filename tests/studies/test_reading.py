"""Reading: every row of every output belongs to one file, whatever lies beside it."""

import shutil
from zipfile import ZipFile

import cv2
import imagehash
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

from covid_xray.studies import reading as reading_module
from covid_xray.studies.files import StudyError
from covid_xray.studies.parameters import ReadingParameters
from covid_xray.studies.reading import (
    RADIOGRAPH_FEATURES,
    RADIOGRAPH_INDEX,
    read_study,
    rejected_table,
)
from covid_xray.studies.study import open_study
from support.project import SHARED

SIDE = 48
LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])


@pytest.fixture(scope="module")
def reading(phantom):
    return read_study(open_study(phantom[0]), ReadingParameters(side=SIDE))


def decoded(folder, row):
    """A radiograph and its mask (or None) of the phantom, decoded without the project's code."""
    pixels = np.asarray(Image.open(folder / row.file))
    mask = folder / row.file.replace("/images/", "/masks/")
    return pixels, np.asarray(Image.open(mask))[:, :, 0] // 255 if mask.exists() else None


def assert_equal_readings(first, second):
    pd.testing.assert_frame_equal(first.index, second.index)
    pd.testing.assert_frame_equal(first.features, second.features)
    pd.testing.assert_frame_equal(first.rejected, second.rejected)
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.masks, second.masks)


def test_the_index_lists_every_sound_file_of_the_study_once(phantom, reading):
    _, truth = phantom
    sound = truth[truth["defect"] == ""].reset_index(drop=True)
    index = reading.index
    assert index.columns.tolist() == list(RADIOGRAPH_INDEX.columns)
    assert index.index.tolist() == list(range(len(sound)))
    for column, expected in {"source_url": "source_url", "n_bytes": "bytes"}.items():
        assert index[column].tolist() == sound[expected].tolist()
    for column in ("image_id", "label", "file", "has_mask"):
        assert index[column].tolist() == sound[column].tolist()
    assert index["image_id"].is_unique
    assert set(index["height"]) == set(index["width"]) == {96}
    assert set(index["bit_depth"]) == {8}


def test_sizes_are_the_bytes_on_disk(phantom, reading):
    folder, _ = phantom
    for table in (reading.index, reading.features):
        on_disk = [(folder / file).stat().st_size for file in reading.index["file"]]
        assert table["n_bytes"].tolist() == on_disk


def test_row_i_of_the_arrays_is_the_file_of_row_i(phantom, reading):
    folder, _ = phantom
    assert reading.images.shape == reading.masks.shape == (len(reading.index), SIDE, SIDE)
    assert reading.images.dtype == reading.masks.dtype == np.uint8
    for row in reading.index.itertuples():
        pixels, mask = decoded(folder, row)
        halves = pixels.reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3))
        assert np.abs(reading.images[row.Index] - halves).max() <= 0.5, row.image_id
        if mask is None:
            assert not row.has_mask
            assert not reading.masks[row.Index].any()
        else:
            centres = np.floor((np.arange(SIDE) + 0.5) * 144 / SIDE).astype(int)
            nearest = mask[np.ix_(centres, centres)]
            np.testing.assert_array_equal(reading.masks[row.Index], nearest)


def test_features_are_those_of_the_file_at_its_own_size(phantom, reading):
    folder, _ = phantom
    features = reading.features
    assert features.columns.tolist() == list(RADIOGRAPH_FEATURES.columns)
    assert features["image_id"].tolist() == reading.index["image_id"].tolist()
    assert features["perceptual_hash"].dtype == np.uint64
    for row, feature in zip(reading.index.itertuples(), features.itertuples(), strict=True):
        pixels, mask = decoded(folder, row)
        assert feature.luminosity == pytest.approx(pixels.mean())
        assert feature.rms_contrast == pytest.approx(pixels.std())
        laplacian = ndimage.convolve(pixels.astype(float), LAPLACIAN, mode="mirror")
        assert feature.laplacian_variance == pytest.approx(laplacian.var())
        text = str(imagehash.phash(Image.fromarray(pixels)))
        assert f"{feature.perceptual_hash:016x}" == text
        inside = [feature.mask_area, feature.masked_luminosity, feature.masked_contrast]
        if mask is None:
            assert np.isnan(inside).all()
        else:
            centres = np.floor((np.arange(96) + 0.5) * 144 / 96).astype(int)
            lungs = pixels[mask[np.ix_(centres, centres)] == 1]
            assert inside == pytest.approx([mask.mean(), lungs.mean(), lungs.std()])


def test_exactly_the_planted_defects_are_rejected_each_with_its_reason(phantom, reading):
    _, truth = phantom
    planted = truth[truth["defect"] != ""]
    rejected = reading.rejected
    assert rejected.columns.tolist() == ["file", "label", "kind", "reason", "detail"]
    assert rejected["file"].tolist() == planted["file"].tolist()
    assert rejected["label"].tolist() == planted["label"].tolist()
    assert (
        rejected["reason"].tolist() == planted["defect"].tolist() == ["truncated", "not_an_image"]
    )
    assert rejected["kind"].tolist() == ["radiograph"] * 2
    assert rejected["detail"].str.len().min() > 10


def test_a_zip_reads_like_its_folder(phantom, reading, zipped, tmp_path):
    archive = zipped(phantom[0], tmp_path / "study.zip")
    assert_equal_readings(reading, read_study(open_study(archive), ReadingParameters(side=SIDE)))


@pytest.mark.parametrize("workers", [1, 5])
def test_the_number_of_workers_changes_nothing(phantom, reading, workers):
    assert_equal_readings(
        reading, read_study(open_study(phantom[0]), ReadingParameters(side=SIDE, workers=workers))
    )


def test_opencvs_own_threads_are_given_back(phantom):
    before = cv2.getNumThreads()
    read_study(open_study(phantom[0], ["COVID"]), ReadingParameters(side=SIDE))
    assert cv2.getNumThreads() == before


def test_scratch_space_is_taken_in_the_given_folder_and_leaves_nothing(phantom, tmp_path):
    study = open_study(phantom[0], ["COVID"])
    result = read_study(study, ReadingParameters(side=SIDE, scratch_folder=tmp_path))
    assert result.images.any()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="absent"):
        read_study(study, ReadingParameters(side=SIDE, scratch_folder=tmp_path / "absent"))


def lungs(height, width):
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 4 : width // 2] = 255
    return mask


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (lungs(40, 60), "wrong_mask_size"),
        (np.zeros((40, 40), np.uint8), "empty_mask"),
        (255 - lungs(40, 40), "inverted_mask"),
        (np.full((40, 40), 255, np.uint8), "mask_too_large"),
        (np.tile(np.arange(40, dtype=np.uint8) * 6, (40, 1)), "mask_not_binary"),
    ],
)
def test_a_wrong_mask_is_rejected_and_its_radiograph_is_kept(write_study, png, mask, reason):
    folder = write_study(
        {
            "A/images/1.png": png(1),
            "A/images/2.png": png(2),
            "A/masks/1.png": png(mask),
            "A/masks/2.png": png(lungs(80, 80)),
        }
    )
    result = read_study(open_study(folder), ReadingParameters(side=40))
    assert result.index["image_id"].tolist() == ["A-1", "A-2"]
    assert result.index["has_mask"].tolist() == [False, True]
    assert result.features["mask_area"].isna().tolist() == [True, False]
    assert [bool(mask.any()) for mask in result.masks] == [False, True]
    rows = result.rejected[["file", "label", "kind", "reason"]].to_numpy().tolist()
    assert rows == [["A/masks/1.png", "A", "lung_mask", reason]]


def half(columns, side=40):
    mask = np.zeros((side, side), np.uint8)
    mask[10:30, columns] = 255
    return mask


LEFT, RIGHT = half(slice(4, 14)), half(slice(26, 36))


def read_halves(write_study, png, left, right):
    contents = {"A/1.png": png(1), "A/1_mask_left.png": png(left), "A/1_mask_right.png": png(right)}
    return read_study(open_study(write_study(contents), ["A"]), ReadingParameters(side=40))


def test_the_masks_of_the_two_lungs_become_one(write_study, png):
    result = read_halves(write_study, png, LEFT, RIGHT)
    np.testing.assert_array_equal(result.masks[0], (LEFT | RIGHT) // 255)
    assert result.index["has_mask"].tolist() == [True]
    assert result.rejected.empty


@pytest.mark.parametrize(
    ("right", "reasons"),
    [
        (np.zeros((40, 40), np.uint8), ["half_mask", "empty_mask"]),
        (half(slice(26, 36), 50), ["wrong_mask_size"] * 2),
    ],
)
def test_half_a_lung_mask_is_never_used(write_study, png, right, reasons):
    result = read_halves(write_study, png, LEFT, right)
    assert result.index["has_mask"].tolist() == [False]
    assert not result.masks.any()
    rejected = result.rejected.sort_values("file")
    assert rejected["file"].tolist() == ["A/1_mask_left.png", "A/1_mask_right.png"]
    assert rejected["reason"].tolist() == reasons


def test_a_study_without_masks_and_metadata_is_read(write_study, png):
    folder = write_study({f"{c}/{n}.png": png(n) for c in "AB" for n in (1, 2)})
    result = read_study(open_study(folder), ReadingParameters(side=40))
    assert len(result.index) == 4
    assert not result.index["has_mask"].any()
    assert not result.masks.any()
    assert set(result.index["source"]) == {"unknown"}
    assert set(result.index["source_url"]) == {""}
    assert result.rejected.empty
    assert result.rejected.columns.tolist() == ["file", "label", "kind", "reason", "detail"]


def test_unreadable_metadata_is_rejected_and_its_sources_are_unknown(phantom, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(phantom[0], folder)
    (folder / "COVID.metadata.xlsx").write_bytes(b"not a workbook")
    result = read_study(open_study(folder), ReadingParameters(side=SIDE))
    unknown = result.index["source"] == "unknown"
    assert result.index[unknown]["label"].unique().tolist() == ["COVID"]
    assert (unknown == (result.index["label"] == "COVID")).all()
    listed = result.rejected[["file", "kind", "reason"]].to_numpy().tolist()
    assert ["COVID.metadata.xlsx", "metadata", "unreadable_metadata"] in listed
    assert len(listed) == 3


def test_files_of_every_format_are_read_whatever_they_are_called(write_study, png):
    pixels = np.random.default_rng(2).integers(0, 256, (40, 40), dtype=np.uint8)
    kinds = {"1.png": ".jpg", "2.jpg": ".bmp", "3": ".tiff", "4.dcm": ".png", "5.webp": ".webp"}
    contents = {f"A/images/{n}": cv2.imencode(k, pixels)[1].tobytes() for n, k in kinds.items()}
    contents |= {"A/images/6.png": b"text", "A/images/7.txt": b"text"}
    result = read_study(open_study(write_study(contents)), ReadingParameters(side=40))
    assert result.index["file"].tolist() == [f"A/images/{name}" for name in kinds]
    assert result.index["channels"].tolist() == [1, 1, 1, 1, 3]
    assert sorted(result.rejected["file"]) == ["A/images/6.png", "A/images/7.txt"]
    for row, suffix in enumerate(kinds.values()):
        if suffix in (".bmp", ".tiff", ".png"):
            np.testing.assert_array_equal(result.images[row], pixels)


@pytest.mark.parametrize("limit", [1600, 1599])
def test_the_limit_of_pixels_holds_for_radiographs_and_masks(write_study, png, limit):
    small = png(np.random.default_rng(3).integers(0, 256, (36, 36), dtype=np.uint8))
    folder = write_study(
        {
            "A/images/1.png": png(1),
            "A/images/2.png": small,
            "A/masks/2.png": png(lungs(40, 40)),
        }
    )
    result = read_study(open_study(folder), ReadingParameters(side=36, max_pixels=limit))
    too_large = [] if limit == 1600 else [["A/images/1.png", "A/masks/2.png"], ["too_large"] * 2]
    rejected = result.rejected.sort_values("file")
    assert (
        [] if rejected.empty else rejected[["file", "reason"]].T.to_numpy().tolist()
    ) == too_large
    assert result.index["has_mask"].tolist() == ([False, True] if limit == 1600 else [False])


def test_a_file_of_too_many_bytes_is_rejected_unread(write_study, png):
    folder = write_study({"A/1.png": png(1), "A/2.png": png(2)})
    with (folder / "A/2.png").open("r+b") as file:
        file.truncate(8 * 1600 + 2**26 + 1)  # takes no room on disk
    result = read_study(open_study(folder), ReadingParameters(side=40, max_pixels=1600))
    assert result.index["image_id"].tolist() == ["A-1"]
    assert result.rejected["reason"].tolist() == ["too_large"]
    assert "67,121,665 bytes" in result.rejected["detail"][0]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entries_of_a_zip_that_cant_be_used_do_not_stop_its_study(png, tmp_path):
    with ZipFile(tmp_path / "study.zip", "w") as archive:
        for name in ("A/1", "A/2.png", "A/3.png", "A/4.png", "A/4.png"):
            archive.writestr(name, png(int(name[2])))
        archive.getinfo("A/1").flag_bits |= 1  # encrypted, says the archive's directory
        archive.getinfo("A/2.png").compress_type = 9
    result = read_study(open_study(tmp_path / "study.zip"), ReadingParameters(side=40))
    assert result.index["image_id"].tolist() == ["A-3"]
    assert result.rejected[["file", "reason"]].to_numpy().tolist() == [
        ["A/1", "encrypted"],
        ["A/2.png", "unknown_compression"],
        ["A/4.png", "stored_twice"],
    ]


@pytest.mark.parametrize("error", [MemoryError("no memory"), RuntimeError("decoder")])
def test_no_error_of_a_decoder_stops_a_study(write_study, png, monkeypatch, error):
    decode = reading_module.decode_radiograph

    def fail_on_the_first(content, **limits):
        if content == png(1):
            raise error
        return decode(content, **limits)

    monkeypatch.setattr(reading_module, "decode_radiograph", fail_on_the_first)
    study = open_study(write_study({"A/1.png": png(1), "A/2.png": png(2)}))
    result = read_study(study, ReadingParameters(side=40))
    assert result.index["image_id"].tolist() == ["A-2"]
    assert result.rejected["reason"].tolist() == ["corrupt"]
    assert str(error) in result.rejected["detail"][0]


def test_files_of_every_depth_and_shape_share_the_arrays(write_study, png):
    deep = np.random.default_rng(0).integers(0, 4096, (64, 64)).astype(np.uint16)
    wide = np.random.default_rng(1).integers(0, 256, (50, 100, 3), dtype=np.uint8)
    contents = {"A/images/1.png": png(deep), "A/images/2.png": png(wide), "A/images/3.png": png(3)}
    index = read_study(open_study(write_study(contents)), ReadingParameters(side=40)).index
    assert index["bit_depth"].tolist() == [12, 8, 8]
    assert index[["height", "width"]].to_numpy().tolist() == [[64, 64], [50, 100], [40, 40]]


def test_the_smallest_side_accepted_can_be_chosen(write_study, png):
    folder = write_study({"A/1.png": png(1), "A/2.png": png(np.eye(41, dtype=np.uint8))})
    result = read_study(open_study(folder), ReadingParameters(side=32, min_side=41))
    assert result.index["image_id"].tolist() == ["A-2"]
    assert result.rejected["reason"].tolist() == ["too_small"]


def test_a_class_of_which_no_file_can_be_read_stops_the_study(write_study, png):
    folder = write_study(
        {"A/1.png": png(1), "B/1.png": b"text", "B/2.png": b"", "B/3.png": png(1)[:99]}
    )
    with pytest.raises(StudyError) as caught:
        read_study(open_study(folder), ReadingParameters(side=40))
    message = str(caught.value)
    assert "None of the 3 files of class 'B'" in message
    assert str(folder) in message
    assert "(empty_file, not_an_image, truncated). Of B/3.png: the file ends before" in message
    assert "`classes`" in message


def test_a_file_that_vanishes_before_it_is_read_is_rejected(write_study, png):
    folder = write_study({"A/1.png": png(1), "A/2.png": png(2)})
    study = open_study(folder)
    (folder / "A/1.png").unlink()
    result = read_study(study, ReadingParameters(side=40))
    assert result.index["image_id"].tolist() == ["A-2"]
    np.testing.assert_array_equal(result.images[0], cv2.imread(str(folder / "A/2.png"), 0))
    assert result.rejected[["file", "reason"]].to_numpy().tolist() == [
        ["A/1.png", "unreadable_file"]
    ]


def test_a_picture_damaged_inside_a_zip_is_rejected(write_study, png, zipped, tmp_path):
    archive = zipped(write_study({"A/1.png": png(1), "A/2.png": png(2)}), tmp_path / "study.zip")
    damaged = bytearray(archive.read_bytes())
    damaged[damaged.index(png(1)) + 200] ^= 0xFF
    archive.write_bytes(damaged)
    result = read_study(open_study(archive), ReadingParameters(side=40))
    assert result.index["image_id"].tolist() == ["A-2"]
    assert result.rejected["reason"].tolist() == ["unreadable_file"]
    assert "CRC" in result.rejected["detail"][0]


def test_the_table_of_no_rejection_has_all_columns():
    table = rejected_table([])
    assert table.columns.tolist() == ["file", "label", "kind", "reason", "detail"]
    assert table.empty


@pytest.mark.skipif(
    not (SHARED / "lung_masks").exists(), reason="the real lung masks beside the project are absent"
)
def test_real_pairs_of_radiographs_and_masks_are_all_read():
    result = read_study(open_study(SHARED / "lung_masks"), ReadingParameters(side=64))
    assert len(result.index) == 300
    assert result.index["has_mask"].all()
    assert result.rejected.empty
    # Both lungs cover about a fifth to a third of a chest radiograph.
    assert 0.15 < result.features["mask_area"].mean() < 0.4
