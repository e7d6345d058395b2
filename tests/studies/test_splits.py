"""Splits: no duplicate group faces itself across a split, and every class keeps its shares."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from covid_xray.split import Protocol, Split
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.splits import (
    SplitError,
    draw_examples,
    kept_rows,
    split_groups,
    split_radiographs,
)

SHARES = {"train": 0.70, "validation": 0.15, "test": 0.15}
SEEDS = st.integers(0, 2**32 - 1)


def splitting(protocol, seed):
    return SplittingParameters(protocol=protocol, **SHARES, seed=seed)


def whole_numbers(total):
    """70/15/15 of `total` in whole numbers by largest remainders, each at least one."""
    exact = [share * total for share in SHARES.values()]
    candidates = [
        (train, validation, total - train - validation)
        for train in range(1, total)
        for validation in range(1, total - train)
    ]
    return min(sum(abs(a - b) for a, b in zip(c, exact, strict=True)) for c in candidates), exact


def off_target(counts, exact):
    return sum(abs(counts.get(name, 0) - e) for name, e in zip(SHARES, exact, strict=True))


@st.composite
def classes_and_groups(draw, own=3, largest=6):
    """Radiographs of one to four classes: `own` or more single ones each, and groups of any shape.

    Groups may span classes, as label conflicts make them.
    """
    n_classes = draw(st.integers(1, 4))
    rows = [
        (label, f"single-{label}-{k}")
        for label in range(n_classes)
        for k in range(draw(st.integers(own, own + 25)))
    ]
    shapes = st.lists(st.integers(0, n_classes - 1), min_size=1, max_size=largest)
    for k, members in enumerate(draw(st.lists(shapes, max_size=8))):
        rows += [(label, f"group-{k}") for label in members]
    table = pd.DataFrame(rows, columns=["label", "group_id"])
    order = np.random.default_rng(draw(SEEDS)).permutation(len(table))
    return table.iloc[order].reset_index(drop=True)


@given(classes_and_groups(), SEEDS)
@settings(deadline=None, max_examples=25)
def test_no_group_crosses_a_split_and_every_class_is_in_all_three(table, seed):
    split = split_groups(table["label"], table["group_id"], SHARES, seed)
    assert split.index.equals(table.index)
    assert split.isin(list(SHARES)).all()
    assert split.groupby(table["group_id"]).nunique().max() == 1
    assert (split.groupby(table["label"]).nunique() == 3).all()


@given(st.lists(st.integers(3, 60), min_size=1, max_size=4), SEEDS)
@settings(deadline=None, max_examples=25)
def test_single_radiographs_are_assigned_70_15_15_to_the_nearest_whole_number(sizes, seed):
    labels = pd.Series([label for label, size in enumerate(sizes) for _ in range(size)])
    split = split_groups(labels, pd.Series(range(len(labels))), SHARES, seed)
    for label, size in enumerate(sizes):
        counts = split[labels == label].value_counts()
        nearest, exact = whole_numbers(size)
        assert counts.sum() == size
        assert off_target(counts, exact) == pytest.approx(nearest)


@given(classes_and_groups(own=40, largest=3), SEEDS)
@settings(deadline=None, max_examples=30)
def test_small_groups_do_not_move_the_shares_by_a_single_radiograph(table, seed):
    split = split_groups(table["label"], table["group_id"], SHARES, seed)
    for _, own in split.groupby(table["label"]):
        nearest, exact = whole_numbers(len(own))
        assert off_target(own.value_counts(), exact) == pytest.approx(nearest)


def can_be_split(table):
    """Whether some assignment of groups to three splits shows every class in each (slow)."""
    groups = sorted(set(table["group_id"]))
    classes = [set(own["group_id"]) for _, own in table.groupby("label")]
    return any(
        all(len({place[groups.index(group)] for group in own}) == 3 for own in classes)
        for place in product(range(3), repeat=len(groups))
    )


@given(st.lists(st.sets(st.integers(0, 3), min_size=2, max_size=4), min_size=5, max_size=6), SEEDS)
@settings(deadline=None, max_examples=25)
def test_classes_that_share_most_groups_are_split_wherever_it_is_possible(groups, seed):
    rows = [(label, f"g{k}") for k, members in enumerate(groups) for label in members]
    table = pd.DataFrame(rows, columns=["label", "group_id"])
    table = table[table.groupby("label")["group_id"].transform("nunique") >= 3]
    assume(not table.empty)
    if can_be_split(table):
        split = split_groups(table["label"], table["group_id"], SHARES, seed)
        assert (split.groupby(table["label"]).nunique() == 3).all()
        assert split.groupby(table["group_id"]).nunique().max() == 1
    else:
        with pytest.raises(SplitError, match="Class '.' can't be in every split.*label conflicts"):
            split_groups(table["label"], table["group_id"], SHARES, seed)


def test_classes_entangled_beyond_a_split_are_refused_by_name():
    # Four groups: each class holds another three of them, so no three splits serve all.
    rows = [(f"without {k}", f"g{j}") for k in range(4) for j in range(4) if j != k]
    table = pd.DataFrame(rows, columns=["label", "group_id"])
    with pytest.raises(SplitError, match="Class 'without .' can't be in every split.*Add radio"):
        split_groups(table["label"], table["group_id"], SHARES, 0)


@given(classes_and_groups(), SEEDS)
@settings(deadline=None, max_examples=20)
def test_the_same_seed_gives_the_same_splits(table, seed):
    first, again = (split_groups(table["label"], table["group_id"], SHARES, seed) for _ in range(2))
    pd.testing.assert_series_equal(first, again)


def test_another_seed_gives_other_splits():
    labels, groups = pd.Series(["A"] * 60), pd.Series(range(60))
    drawn = {tuple(split_groups(labels, groups, SHARES, seed)) for seed in range(10)}
    assert len(drawn) == 10


def test_every_radiograph_is_as_likely_as_its_share_to_be_in_a_split():
    labels, groups = pd.Series(["A"] * 20), pd.Series(range(20))
    drawn = np.array([split_groups(labels, groups, SHARES, seed) for seed in range(200)])
    for name, share in SHARES.items():
        # 200 draws: one standard deviation of a share of 0.7 is 0.033, so 0.15 is far out.
        assert np.abs((drawn == name).mean(axis=0) - share).max() < 0.15


def test_a_duplicate_group_is_as_likely_as_its_share_to_be_in_a_split():
    labels = pd.Series(["A"] * 40)
    groups = pd.Series(["g"] * 3 + [f"single-{k}" for k in range(37)])
    drawn = np.array([split_groups(labels, groups, SHARES, seed)[0] for seed in range(200)])
    for name, share in SHARES.items():
        assert abs((drawn == name).mean() - share) < 0.15


@pytest.mark.parametrize("n_groups", [1, 2])
def test_a_class_of_too_few_groups_is_refused_by_name_and_number(n_groups):
    labels = pd.Series(["COVID"] * 9 + ["Normal"] * 6)
    groups = pd.Series([*range(9), *(f"n{k % n_groups}" for k in range(6))])
    with pytest.raises(SplitError, match=rf"Class 'Normal' has {n_groups} distinct.*3 are needed"):
        split_groups(labels, groups, SHARES, 0)


@st.composite
def grouped_studies(draw):
    """Tables as `group_duplicates` makes them: the first of each class in a group is kept."""
    table = draw(classes_and_groups(own=6))
    table["image_id"] = [f"image-{row}" for row in table.index]
    table["group_id"] = table.groupby("group_id")["image_id"].transform("first")
    table["is_redundant"] = table.duplicated(["label", "group_id"])
    return table


@pytest.mark.parametrize("protocol", Protocol)
@given(groups=grouped_studies(), seed=SEEDS)
@settings(deadline=None, max_examples=25)
def test_every_radiograph_gets_one_split_and_redundant_ones_are_not_kept(protocol, groups, seed):
    splits = split_radiographs(groups, splitting(protocol, seed))
    assert splits.columns.tolist() == ["image_id", "label", "group_id", "kept", "split"]
    for name in ("image_id", "label", "group_id"):
        assert splits[name].tolist() == groups[name].tolist()
    assert splits["split"].isin(list(Split)).all()
    assert splits["kept"].tolist() == (~groups["is_redundant"]).tolist()
    again = split_radiographs(groups, splitting(protocol, seed))
    pd.testing.assert_frame_equal(splits, again)
    for _, own in splits[splits["kept"]].groupby("label"):
        assert set(own["split"]) == set(Split)


@given(grouped_studies(), SEEDS)
@settings(deadline=None, max_examples=25)
def test_leak_free_leaves_every_group_whole_redundant_members_included(groups, seed):
    splits = split_radiographs(groups, splitting(Protocol.LEAK_FREE, seed))
    assert splits.groupby("group_id")["split"].nunique().max() == 1


@given(grouped_studies(), SEEDS)
@settings(deadline=None, max_examples=25)
def test_published_assigns_every_kept_image_by_itself(groups, seed):
    splits = split_radiographs(groups, splitting(Protocol.PUBLISHED, seed))
    kept = splits[splits["kept"]]
    alone = split_groups(kept["label"], kept["image_id"], SHARES, seed)
    assert kept["split"].tolist() == alone.tolist()
    for _, own in kept.groupby("label"):
        nearest, exact = whole_numbers(len(own))
        assert off_target(own["split"].value_counts(), exact) == pytest.approx(nearest)


def test_published_lets_label_conflicts_face_each_other_across_a_split():
    ids = [f"{label}-{k}" for label in "AB" for k in range(30)]
    groups = pd.DataFrame({"image_id": ids, "label": [i[0] for i in ids], "is_redundant": False})
    groups["group_id"] = ["A-" + image_id[2:] for image_id in ids]
    splits = split_radiographs(groups, splitting(Protocol.PUBLISHED, 0))
    assert splits.groupby("group_id")["split"].nunique().max() == 2


def test_a_class_of_copies_has_too_few_groups_only_when_they_count_as_one():
    groups = pd.DataFrame({"image_id": [f"i{k}" for k in range(9)], "label": ["A"] * 4 + ["B"] * 5})
    groups["group_id"] = ["i0", "i0", "i2", "i3", "i4", "i4", "i6", "i6", "i6"]
    groups["is_redundant"] = groups.duplicated("group_id")
    for protocol in Protocol:
        with pytest.raises(SplitError, match="Class 'B' has 2 distinct"):
            split_radiographs(groups, splitting(protocol, 0))


@given(grouped_studies(), SEEDS)
@settings(deadline=None, max_examples=10)
def test_kept_rows_are_the_row_numbers_of_one_split_or_of_all(groups, seed):
    splits = split_radiographs(groups, splitting(Protocol.LEAK_FREE, seed))
    table = list(zip(splits["kept"], splits["split"], strict=True))
    # Row numbers are places, whatever the index says.
    splits.index = splits.index[::-1] + 1000
    assert kept_rows(splits).tolist() == [row for row, (kept, _) in enumerate(table) if kept]
    for split in Split:
        expected = [row for row, (kept, own) in enumerate(table) if kept and own == split]
        assert kept_rows(splits, split).tolist() == expected


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=40), st.integers(1, 6), SEEDS)
@settings(deadline=None, max_examples=40)
def test_examples_are_rows_of_every_class_and_no_row_twice(classes, per_class, seed):
    # Some rows are missing, as of radiographs that are not kept.
    labels = pd.Series(classes, index=np.arange(len(classes)) * 3 + 5)
    rows = draw_examples(labels, per_class, seed)
    assert rows.dtype == np.intp
    assert len(set(rows)) == len(rows)
    drawn = labels.loc[rows]
    assert drawn.tolist() == sorted(drawn)
    sizes = labels.value_counts()
    assert drawn.value_counts().to_dict() == sizes.clip(upper=per_class).to_dict()
    np.testing.assert_array_equal(rows, draw_examples(labels, per_class, seed))


def test_every_radiograph_is_as_likely_as_any_other_of_its_class_to_be_an_example():
    labels = pd.Series(["A"] * 4 + ["B"] * 8)
    drawn = np.concatenate([draw_examples(labels, 2, seed) for seed in range(400)])
    shares = np.bincount(drawn, minlength=12) / 400
    # 400 draws: one standard deviation of a share is 0.025 at most, so 0.1 is far out.
    assert shares == pytest.approx([0.5] * 4 + [0.25] * 8, abs=0.1)
