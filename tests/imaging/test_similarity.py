"""Similarity: the same pairs as the report's order, SSIM of every two images and then the hash."""

from itertools import combinations

import cv2
import numpy as np
import pandas as pd
import pytest
from skimage.metrics import structural_similarity

from covid_xray.imaging.hashing import perceptual_hash
from covid_xray.imaging.similarity import find_similar_pairs, structural_similarity_at
from covid_xray.phantom.plan import PhantomPlan
from covid_xray.phantom.writing import write_phantom_study
from support.project import SHARED

RULE = {"side": 50, "min_ssim": 0.8, "max_hash_distance": 2}


def pairs_in_the_reports_order(images, hashes, labels):
    """SSIM at 50x50 of every two images of a class; pairs of at least 0.8 confirmed by the hash."""
    small = [cv2.resize(pixels, (50, 50), interpolation=cv2.INTER_AREA) for pixels in images]
    found = {}
    for first, second in combinations(range(len(images)), 2):
        if labels[first] != labels[second]:
            continue
        ssim = structural_similarity(small[first], small[second], data_range=255)
        distance = (int(hashes[first]) ^ int(hashes[second])).bit_count()
        if ssim >= 0.8 and distance <= 2:
            found[first, second] = (distance, ssim)
    return found


def read_at_256(paths):
    """Images at the study's stored side, and hashes taken at their own size."""
    own = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths]
    images = [
        pixels
        if pixels.shape == (256, 256)
        else cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA)
        for pixels in own
    ]
    hashes = np.array([perceptual_hash(pixels) for pixels in own], np.uint64)
    return np.stack(images), hashes


def assert_same_pairs_as_the_report(table, images, hashes, labels):
    within = [labels[row.first] == labels[row.second] for row in table.itertuples()]
    found = {
        (row.first, row.second): (row.hash_distance, pytest.approx(row.ssim))
        for row in table[within].itertuples()
    }
    assert found == pairs_in_the_reports_order(images, hashes, labels)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("similarity") / "study"
    plan = PhantomPlan(images_per_class=8, side=128, mask_side=64)
    truth = write_phantom_study(folder, plan)
    sound = truth[truth["defect"] == ""].reset_index(drop=True)
    return sound, *read_at_256([folder / file for file in sound["file"]])


def test_on_the_phantom_study_the_pairs_are_those_of_the_reports_order(phantoms):
    truth, images, hashes = phantoms
    table = find_similar_pairs(images, hashes, **RULE)
    assert_same_pairs_as_the_report(table, images, hashes, truth["label"])


def test_on_the_phantom_study_the_pairs_are_the_planted_copies(phantoms):
    truth, images, hashes = phantoms
    table = find_similar_pairs(images, hashes, **RULE)
    ids = truth["image_id"]
    found = {frozenset((ids[row.first], ids[row.second])) for row in table.itertuples()}
    copies = truth[truth["duplicate_of"] != ""]
    planted = {frozenset(pair) for pair in zip(copies.image_id, copies.duplicate_of, strict=True)}
    assert len(planted) == 13
    assert found == planted


@pytest.mark.skipif(
    not (SHARED / "radiographs_known_duplicates.csv").exists(),
    reason="the real radiographs beside the project are absent",
)
def test_on_real_radiographs_the_pairs_are_those_of_the_reports_order():
    known = pd.read_csv(SHARED / "radiographs_known_duplicates.csv")["image_id"].tolist()
    sizes = {"COVID": 110, "Lung_Opacity": 63, "Normal": 63, "Viral Pneumonia": 64}
    paths, labels = [], []
    for label, size in sizes.items():
        folder = SHARED / "radiographs" / label / "images"
        wanted = [folder / f"{name}.png" for name in known if name.startswith(f"{label}-")]
        others = [path for path in sorted(folder.glob("*.png")) if path not in wanted]
        paths += [*wanted, *others][:size]
        labels += [label] * size
    assert len(paths) == 300
    images, hashes = read_at_256(paths)
    table = find_similar_pairs(images, hashes, **RULE)
    assert_same_pairs_as_the_report(table, images, hashes, labels)
    assert len(table) >= 30


def test_pairs_are_in_row_order_with_the_first_row_first(phantoms):
    _, images, hashes = phantoms
    table = find_similar_pairs(images, hashes, **RULE)
    assert (table["first"] < table["second"]).all()
    rows = list(zip(table["first"], table["second"], strict=True))
    assert rows == sorted(rows)
    assert table.index.tolist() == list(range(len(table)))


def test_equal_images_have_a_similarity_of_one_at_any_sizes():
    pixels = np.random.default_rng(0).integers(0, 256, (25, 25), dtype=np.uint8)
    twice = np.kron(pixels, np.ones((4, 4), np.uint8))
    assert structural_similarity_at(twice, twice, 50) == pytest.approx(1)
    # Blocks of 4x4 shrink to exactly the blocks of 2x2.
    assert structural_similarity_at(twice, np.kron(pixels, np.ones((2, 2), np.uint8)), 50) == 1


def test_a_hash_match_of_dissimilar_images_is_no_pair_and_neither_is_the_reverse(phantoms):
    _, images, _ = phantoms
    different = images[[0, 30]]
    assert structural_similarity_at(*different, 50) < 0.8
    assert find_similar_pairs(different, np.zeros(2, np.uint64), **RULE).empty
    same = images[[0, 0]]
    assert find_similar_pairs(same, np.array([0, 0b111], np.uint64), **RULE).empty
    table = find_similar_pairs(same, np.array([0, 0b11], np.uint64), **RULE)
    assert table.to_numpy().tolist() == [[0, 1, 2, 1]]


def test_the_lowest_similarity_itself_is_accepted(phantoms):
    _, images, _ = phantoms
    pair, hashes = images[[0, 30]], np.zeros(2, np.uint64)
    ssim = structural_similarity_at(*pair, 50)
    limits = {"side": 50, "max_hash_distance": 0}
    assert len(find_similar_pairs(pair, hashes, min_ssim=ssim, **limits)) == 1
    assert find_similar_pairs(pair, hashes, min_ssim=ssim + 1e-9, **limits).empty


def test_no_image_gives_an_empty_table_with_all_columns():
    table = find_similar_pairs(np.empty((0, 8, 8), np.uint8), np.empty(0, np.uint64), **RULE)
    assert table.columns.tolist() == ["first", "second", "hash_distance", "ssim"]
    assert table.empty
