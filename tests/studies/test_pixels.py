"""Row lists find their pixels, in their order, whichever arrays they point into."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covid_xray.imaging.augmentation import Augmentation, augment_radiographs
from covid_xray.studies.pixels import (
    AugmentedImages,
    MaskedImages,
    digest_pixels,
    positions_in,
    read_batches,
    unique_rows,
)

RNG = np.random.default_rng(0)
# Arrays of different sizes and sides; no two pictures are alike.
ARRAYS = {
    name: RNG.integers(0, 256, (n, side, side)).astype(np.uint8)
    for name, n, side in (("images", 9, 6), ("augmented_images", 5, 8), ("others", 4, 6))
}
MASKS = RNG.integers(0, 2, ARRAYS["images"].shape).astype(np.uint8)
MIXED = {**ARRAYS, "masked_images": MaskedImages(ARRAYS["images"], MASKS)}
EVERY_ROW = [(name, row) for name in ARRAYS for row in range(len(ARRAYS[name]))]
SOME_ROWS = [("images", 4), ("images", 1), ("augmented_images", 0), ("images", 1), ("others", 3)]


def row_list(pairs):
    # Index labels mean nothing.
    index = np.arange(len(pairs))[::-1] * 7
    return pd.DataFrame(pairs, columns=["array", "row"], index=index).astype({"row": "int64"})


@given(st.lists(st.sampled_from(EVERY_ROW), max_size=40), st.integers(1, 12))
@settings(deadline=None, max_examples=60)
def test_batches_hold_a_lists_pixels_in_its_order_and_each_of_one_array(pairs, batch_size):
    batches = list(read_batches(MIXED, row_list(pairs), batch_size, "Testing"))
    read = [picture for batch in batches for picture in batch]
    expected = [ARRAYS[name][row] for name, row in pairs]
    assert len(read) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(read, expected, strict=True))
    assert all(1 <= len(batch) <= batch_size and batch.dtype == np.uint8 for batch in batches)
    # No more batches than the runs of one array need: a batch could not hold two of them.
    runs = []
    for name, _ in pairs:
        if not runs or runs[-1][0] != name:
            runs.append([name, 0])
        runs[-1][1] += 1
    assert len(batches) == sum(-(-length // batch_size) for _, length in runs)


def test_masked_radiographs_are_the_product_with_their_lung_mask():
    masked = MIXED["masked_images"]
    rows = np.array([3, 0, 3])
    expected = np.where(MASKS[rows] == 1, ARRAYS["images"][rows], 0)
    np.testing.assert_array_equal(masked[rows], expected)
    assert masked.dtype == masked[rows].dtype == np.uint8
    (batch,) = read_batches(MIXED, row_list([("masked_images", r) for r in rows]), 8, "Testing")
    np.testing.assert_array_equal(batch, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_pixels_that_are_no_grey_bytes_are_refused_by_the_name_of_their_array(dtype):
    arrays = {**MIXED, "others": ARRAYS["others"].astype(dtype)}
    with pytest.raises(ValueError, match=rf"'others' holds {np.dtype(dtype)}.*Make it again"):
        next(read_batches(arrays, row_list(SOME_ROWS), 2, "Testing"))
    # An array that no row points into is none of its business.
    assert len(list(read_batches(arrays, row_list(SOME_ROWS[:4]), 2, "Testing"))) == 3


def fingerprint(arrays=MIXED, pairs=SOME_ROWS, **options):
    return digest_pixels(arrays, row_list(pairs), **options)


@given(st.sampled_from(SOME_ROWS), st.tuples(st.integers(0, 5), st.integers(0, 5)))
@settings(deadline=None, max_examples=30)
def test_a_fingerprint_changes_with_any_pixel_of_the_list(at, place):
    name, row = at
    arrays = {**MIXED, name: ARRAYS[name].copy()}
    arrays[name][row][place] ^= 1
    assert fingerprint(arrays) != fingerprint()


def test_a_fingerprint_changes_with_order_length_and_side_and_with_nothing_else():
    known = fingerprint()
    assert fingerprint(pairs=SOME_ROWS[::-1]) != known
    assert fingerprint(pairs=SOME_ROWS[:-1]) != known
    flat = {name: array.reshape(len(array), 4, -1) for name, array in ARRAYS.items()}
    assert fingerprint(flat) != known
    elsewhere = {name: array.copy() for name, array in ARRAYS.items()}
    elsewhere["images"][2] ^= 1
    assert fingerprint(elsewhere) == known


def test_a_fingerprint_of_masked_radiographs_changes_with_their_masks():
    pairs = [("masked_images", 0), ("masked_images", 2)]
    known = fingerprint(pairs=pairs)
    masks = MASKS.copy()
    masks[2] = 1 - masks[2]
    assert fingerprint({"masked_images": MaskedImages(ARRAYS["images"], masks)}, pairs) != known
    masks[2], masks[1] = MASKS[2], 1 - masks[1]
    assert fingerprint({"masked_images": MaskedImages(ARRAYS["images"], masks)}, pairs) == known


@pytest.mark.parametrize("batch_size", [1, 2, 3, 512])
def test_a_fingerprint_does_not_depend_on_the_batch_size(batch_size):
    pairs = [("images", row) for row in (5, 2, 7, 7, 0)]
    assert fingerprint(pairs=pairs, batch_size=batch_size) == fingerprint(pairs=pairs)


PLAN = pd.DataFrame({"source_row": [3, 0, 3], "seed": [5, 6, 7]})


def augmented(**changes):
    how = {"images": ARRAYS["images"], "lung_masks": MASKS, "plan": PLAN}
    how |= {"n_layers": 3, "factor": 0.1, "masked": False}
    return AugmentedImages(**how | changes)


@pytest.mark.parametrize("masked", [False, True])
def test_augmented_images_are_those_made_beforehand(masked):
    sources, seeds = PLAN["source_row"].tolist(), PLAN["seed"].tolist()
    augmentation = Augmentation.of_report(3, 0.1)
    images, masks = augment_radiographs(ARRAYS["images"], MASKS, sources, seeds, augmentation)
    expected = images * masks if masked else images
    rows = row_list([("set", 2), ("set", 0)])
    (batch,) = read_batches({"set": augmented(masked=masked)}, rows, 8, "Testing")
    np.testing.assert_array_equal(batch, expected[[2, 0]])


def altered(array, row):
    changed = array.copy()
    changed[row, 0, 0] ^= 1
    return changed


CHANGES = {
    "a source image": ({"images": altered(ARRAYS["images"], 3)}, True),
    "another radiograph": ({"images": altered(ARRAYS["images"], 1)}, False),
    "a mask that is not used": ({"lung_masks": altered(MASKS, 3)}, False),
    "the same without its mask": ({"masked": True}, True),
    "a seed": ({"plan": PLAN.replace({"seed": {7: 8}})}, True),
    "an image that is not asked for": ({"plan": PLAN.replace({"seed": {6: 8}})}, False),
    "the transformations": ({"n_layers": 2}, True),
    "their amplitude": ({"factor": 0.2}, True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_augmented_images_are_known_by_what_makes_them(change, monkeypatch):
    monkeypatch.delattr(AugmentedImages, "_make")  # no image is made for a fingerprint
    pairs = [("set", 0), ("set", 2)]
    changes, differs = CHANGES[change]
    known, other = (
        fingerprint({"set": array}, pairs) for array in (augmented(), augmented(**changes))
    )
    assert (known != other) == differs
    assert fingerprint({"set": augmented()}, pairs, batch_size=1) == known


def test_masks_count_where_augmented_images_are_masked():
    rows = [("set", 0)]
    known = fingerprint({"set": augmented(masked=True)}, rows)
    masks = MASKS.copy()
    masks[3] = 1 - masks[3]
    assert fingerprint({"set": augmented(masked=True, lung_masks=masks)}, rows) != known


@given(st.lists(st.sampled_from(EVERY_ROW), min_size=1), st.lists(st.sampled_from(EVERY_ROW)))
@settings(deadline=None, max_examples=30)
def test_each_row_of_any_list_stands_once_array_by_array(first, second):
    rows = unique_rows(row_list(first), row_list(second))
    pairs = list(rows.itertuples(index=False, name=None))
    assert sorted(pairs) == sorted({*first, *second})
    assert rows["array"].is_monotonic_decreasing


@given(st.permutations(EVERY_ROW), st.lists(st.sampled_from(EVERY_ROW), max_size=30))
@settings(deadline=None, max_examples=40)
def test_positions_point_at_the_rows_that_are_asked_for(stored, wanted):
    positions = positions_in(row_list(stored), row_list(wanted))
    assert positions.tolist() == [stored.index(pair) for pair in wanted]


def test_a_row_that_is_not_stored_is_named():
    stored, wanted = row_list(EVERY_ROW[:4]), row_list([EVERY_ROW[1], ("others", 2)])
    with pytest.raises(KeyError, match="Row 2 of 'others' is not among the stored ones"):
        positions_in(stored, wanted)
