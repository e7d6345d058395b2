import cv2
import numpy as np
import pandas as pd
import pytest

from covid_xray.imaging.hashing import perceptual_hash
from covid_xray.studies.pairs import (
    NoPairsError,
    StudyRadiographs,
    UnusablePairsError,
    assign_pairs,
    pairs_of_folder,
    pairs_of_study,
)
from covid_xray.studies.parameters import DuplicateParameters, ReadingParameters
from covid_xray.studies.reading import read_pair, read_study
from covid_xray.studies.study import open_study

READING = ReadingParameters(side=64, workers=1)
DUPLICATES = DuplicateParameters(ssim_side=50, min_ssim=0.8, max_hash_distance=2)
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


@pytest.fixture
def folder(tmp_path):
    """Ten pairs, 80 pixels a side with masks of 64; the last two are one picture."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(10):
        coarse = np.random.default_rng(min(number, 8)).integers(0, 256, (8, 8)).astype(np.uint8)
        picture = cv2.resize(coarse, (80, 80), interpolation=cv2.INTER_CUBIC)
        mask = np.zeros((64, 64), np.uint8)
        mask[10 : 30 + rng.integers(10), 10:50] = 255
        cv2.imwrite(str(tmp_path / f"images/{number}.png"), picture)
        cv2.imwrite(str(tmp_path / f"masks/{number}.png"), mask)
    return tmp_path


NO_STUDY = StudyRadiographs(
    pd.DataFrame({name: pd.Series(dtype="str") for name in ("image_id", "label", "split")}),
    np.empty((0, 64, 64), np.uint8),
    np.empty(0, np.uint64),
)


def from_folder(path, beside=NO_STUDY):
    return pairs_of_folder(open_study(path), READING, DUPLICATES, beside)


def test_pairs_of_a_folder_are_read_at_one_size_without_redundant_duplicates(folder):
    pairs = from_folder(folder)
    assert len(pairs.table) == 9
    assert pairs.images.shape == pairs.masks.shape == (10, 64, 64)
    row = pairs.table.iloc[3]
    mask = cv2.imread(str(folder / f"masks/{row['pair_id'].split('-')[-1]}.png"), 0)
    np.testing.assert_array_equal(pairs.masks[row["row"]], mask // 255)
    assert (pairs.table["array"] == "pair_images").all()


def test_a_bad_mask_is_refused_with_a_reason_and_the_rest_works(folder):
    grey = np.random.default_rng(1).integers(0, 256, (64, 64)).astype(np.uint8)
    cv2.imwrite(str(folder / "masks/0.png"), grey)
    cv2.imwrite(str(folder / "masks/1.png"), np.zeros((64, 64), np.uint8))
    cv2.imwrite(str(folder / "masks/2.png"), np.full((64, 32), 255, np.uint8))
    pairs = from_folder(folder)
    reasons = pairs.rejected.set_index("file")["reason"].to_dict()
    assert reasons == {
        "masks/0.png": "mask_not_binary",
        "masks/1.png": "empty_mask",
        "masks/2.png": "wrong_mask_size",
    }
    assert len(pairs.table) == 6


def test_without_any_mask_the_remedy_is_named(folder):
    with pytest.raises(NoPairsError, match="--params segmentation_pairs=FOLDER"):
        pairs_of_folder(None, READING, DUPLICATES, NO_STUDY)
    for mask in (folder / "masks").iterdir():
        cv2.imwrite(str(mask), np.zeros((64, 64), np.uint8))
    with pytest.raises(UnusablePairsError, match=r"10 file\(s\) were rejected, masks/.*empty_mask"):
        from_folder(folder)


def test_pairs_of_a_study_are_its_masked_radiographs_and_none_without_masks():
    index = pd.DataFrame({"image_id": list("abcd"), "label": list("xxyy")})
    splits = pd.DataFrame({"group_id": list("aacd"), "kept": [True, False, True, True]})
    splits["split"] = ["test", "test", "train", "train"]
    found = pairs_of_study(index.assign(has_mask=[True, True, True, False]), splits, 32)
    # Own shares would be drawn anew, over the same radiographs.
    assigned = assign_pairs(found.table, SHARES, most=None, seed=1)
    assert assigned["split"].tolist() == ["test", "train"]
    assert found.table[["pair_id", "row", "array"]].to_numpy().tolist() == [
        ["a", 0, "images"],
        ["c", 2, "images"],
    ]
    assert found.images.shape == (0, 32, 32)
    assert pairs_of_study(index.assign(has_mask=False), splits, 32) is None


def table(n, labels=("x", "y")):
    ids = [f"p{i}" for i in range(n)]
    return pd.DataFrame(
        {"pair_id": ids, "label": [labels[i % len(labels)] for i in range(n)], "group_id": ids}
    )


def test_three_hundred_pairs_are_assigned_270_to_30():
    assigned = assign_pairs(
        table(300, ("x",)), {"train": 0.81, "validation": 0.09, "test": 0.1}, most=None, seed=1
    )
    assert assigned["split"].value_counts().to_dict() == {
        "train": 243,
        "validation": 27,
        "test": 30,
    }


def test_no_group_crosses_a_split_and_the_seed_decides():
    grouped = table(40)
    grouped["group_id"] = [f"g{i // 4}" for i in range(40)]
    assigned = assign_pairs(grouped, SHARES, most=None, seed=1)
    assert assigned.groupby("group_id")["split"].nunique().max() == 1
    assert assigned.equals(assign_pairs(grouped, SHARES, most=None, seed=1))
    assert not assigned.equals(assign_pairs(grouped, SHARES, most=None, seed=2))


def test_at_most_so_many_pairs_are_used():
    assigned = assign_pairs(table(40), SHARES, most=15, seed=1)
    assert len(assigned) == 15
    assert set(assigned["pair_id"]) < set(table(40)["pair_id"])


def test_a_class_with_a_single_pair_does_not_stop_the_others():
    few = pd.concat([table(20, ("x",)), pd.DataFrame(
        {"pair_id": ["q"], "label": ["rare"], "group_id": ["q"]}
    )], ignore_index=True)  # fmt: skip
    assigned = assign_pairs(few, SHARES, most=None, seed=1)
    assert len(assigned) == 21
    assert assigned.loc[20, "label"] == "rare"


def test_a_pair_can_be_read_at_the_sizes_it_came_in(folder):
    study = open_study(folder)
    pixels, mask = read_pair(study, study.radiographs[4].image_id)
    assert pixels.shape == (80, 80)
    assert mask.shape == (64, 64)
    assert set(np.unique(mask)) == {0, 1}


def test_a_class_without_masks_is_left_out():
    ids = [f"r{i}" for i in range(30)]
    index = pd.DataFrame(
        {
            "image_id": ids,
            "label": ["x"] * 20 + ["y"] * 10,
            "has_mask": [True] * 20 + [False] * 10,
        }
    )
    splits = pd.DataFrame({"group_id": ids, "kept": True, "split": ["train", "test"] * 15})
    found = pairs_of_study(index, splits, 32).table
    assert found["label"].value_counts().to_dict() == {"x": 20}
    assert found["split"].value_counts().to_dict() == {"train": 10, "test": 10}


def study_that_shows(folder, shown):
    """A study that has radiographs of a folder, re-encoded, each in a split, under other names."""
    files = open_study(folder)
    read = read_study(files, READING)
    rows = [read.index.index[read.index["file"] == f"images/{n}.png"][0] for n, _ in shown]
    brighter = read.images[rows] // 10 * 9 + 20
    splits = pd.DataFrame(
        {
            "image_id": [f"COVID-{place}" for place in range(len(shown))],
            "label": "COVID",
            "split": [split for _, split in shown],
        }
    )
    hashes = np.array([perceptual_hash(pixels) for pixels in brighter], np.uint64)
    return StudyRadiographs(splits, brighter, hashes)


def test_pairs_that_show_held_out_radiographs_are_left_out_and_counted(folder):
    shown = [(1, "train"), (3, "validation"), (5, "test"), (8, "test")]
    beside = study_that_shows(folder, shown)
    found = from_folder(folder, beside)
    kept = {int(name.split("-")[-1]) for name in found.table["pair_id"]}
    # 8 and 9 are one picture, so neither may teach anything of the test radiograph.
    assert kept == {0, 1, 2, 4, 6, 7}
    left_out = found.rejected.set_index("file")
    assert set(left_out.index) == {f"images/{n}.png" for n in (3, 5, 8, 9)}
    assert (left_out["reason"] == "held_out_radiograph").all()
    assert (left_out["kind"] == "pair").all()
    assert left_out.loc["images/5.png", "detail"] == "shows COVID-2, which the study holds out"


def test_a_pair_is_not_left_out_for_its_name(folder):
    """Another radiograph of the study may be called as a file of the folder is."""
    plain = from_folder(folder)
    names = plain.table["pair_id"].tolist()
    other = np.full((1, 64, 64), 9, np.uint8)
    other[0, :32] = 200
    splits = pd.DataFrame({"image_id": names[:1], "label": "images", "split": "test"})
    beside = StudyRadiographs(splits, other, np.array([perceptual_hash(other[0])], np.uint64))
    assert from_folder(folder, beside).table["pair_id"].tolist() == names
