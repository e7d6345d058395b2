"""Groups: duplicates are joined through chains, and one of each class is kept."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covid_xray.imaging.hashing import perceptual_hash
from covid_xray.studies.groups import (
    DUPLICATE_PAIRS,
    find_duplicate_groups,
    group_duplicates,
    name_pairs,
)
from covid_xray.studies.parameters import DuplicateParameters


def index_of(labels):
    ids = [f"{label}-{row}" for row, label in enumerate(labels)]
    return pd.DataFrame({"image_id": ids, "label": list(labels), "source": [f"s{i}" for i in ids]})


def pairs_of(*pairs):
    return pd.DataFrame(list(pairs), columns=["image_id_1", "image_id_2"], dtype="str")


def test_row_numbers_are_replaced_by_ids_classes_and_sources():
    pairs = pd.DataFrame(
        {"first": [2, 0], "second": [3, 1], "hash_distance": [0, 2], "ssim": [1.0, 0.9]}
    )
    named = name_pairs(pairs, index_of("AABB"))
    DUPLICATE_PAIRS.validate(named)
    assert named.to_numpy().tolist() == [
        ["B-2", "B-3", "B", "B", "sB-2", "sB-3", 0, 1.0],
        ["A-0", "A-1", "A", "A", "sA-0", "sA-1", 2, 0.9],
    ]


def test_rows_are_named_by_position_even_after_pairs_were_filtered():
    pairs = pd.DataFrame({"first": [0, 1], "second": [2, 2], "hash_distance": 0, "ssim": 1.0})
    named = name_pairs(pairs[pairs["first"] == 1], index_of("AAA"))
    assert named[["image_id_1", "image_id_2", "ssim"]].to_numpy().tolist() == [["A-1", "A-2", 1.0]]


def test_a_study_without_pairs_has_an_empty_table():
    pairs = pd.DataFrame({"first": [], "second": [], "hash_distance": [], "ssim": []})
    named = name_pairs(pairs.astype({"hash_distance": "int64"}), index_of("AAA"))
    assert DUPLICATE_PAIRS.validate(named).empty


@pytest.mark.parametrize("labels", ["BBA", "ABB"])
def test_a_conflict_is_one_whatever_the_order_of_classes(labels):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    hashes = np.full(3, perceptual_hash(picture), np.uint64)
    rule = DuplicateParameters(ssim_side=50, min_ssim=0.8, max_hash_distance=2)
    within, across, _ = find_duplicate_groups(index_of(labels), hashes, [picture] * 3, rule)
    assert within[["label_1", "label_2"]].to_numpy().tolist() == [["B", "B"]]
    assert (across["label_1"] != across["label_2"]).tolist() == [True, True]


def test_a_chain_of_duplicates_is_one_group_and_its_first_member_is_kept():
    groups = group_duplicates(
        index_of("AAAA"), pairs_of(("A-1", "A-2"), ("A-2", "A-3")), pairs_of()
    )
    expected = pd.DataFrame(
        {
            "image_id": ["A-0", "A-1", "A-2", "A-3"],
            "label": list("AAAA"),
            "group_id": ["A-0", "A-1", "A-1", "A-1"],
            "group_size": [1, 3, 3, 3],
            "is_redundant": [False, False, True, True],
            "has_label_conflict": [False] * 4,
        }
    )
    pd.testing.assert_frame_equal(groups, expected)


def test_one_picture_under_two_labels_is_grouped_but_both_are_kept():
    groups = group_duplicates(index_of("ABB"), pairs_of(), pairs_of(("A-0", "B-2")))
    assert groups["group_id"].tolist() == ["A-0", "B-1", "A-0"]
    assert groups["group_size"].tolist() == [2, 1, 2]
    assert groups["has_label_conflict"].tolist() == [True, False, True]
    assert not groups["is_redundant"].any()


def test_a_conflict_joins_the_duplicates_of_both_classes_and_keeps_one_of_each():
    groups = group_duplicates(
        index_of("AABB"), pairs_of(("A-0", "A-1"), ("B-2", "B-3")), pairs_of(("A-1", "B-2"))
    )
    assert groups["group_id"].tolist() == ["A-0"] * 4
    assert groups["is_redundant"].tolist() == [False, True, False, True]
    assert groups["has_label_conflict"].tolist() == [False, True, True, False]


def test_without_pairs_every_radiograph_is_a_group_of_its_own():
    groups = group_duplicates(index_of("ABC"), pairs_of(), pairs_of())
    assert groups["group_id"].tolist() == groups["image_id"].tolist()
    assert groups["group_size"].tolist() == [1, 1, 1]
    assert not groups[["is_redundant", "has_label_conflict"]].any(axis=None)


def test_a_pair_of_an_unknown_radiograph_is_refused_by_name():
    with pytest.raises(KeyError, match="A-9"):
        group_duplicates(index_of("AA"), pairs_of(("A-0", "A-9")), pairs_of())


def test_a_patient_is_one_group_whose_pictures_are_all_kept():
    index = index_of("AABB").assign(patient_id=["p1", "p2", "P1 ", None])
    groups = group_duplicates(index, pairs_of(), pairs_of())
    assert groups["group_id"].tolist() == ["A-0", "A-1", "A-0", "B-3"]
    assert groups["group_size"].tolist() == [2, 1, 2, 1]
    assert not groups[["is_redundant", "has_label_conflict"]].any(axis=None)


def test_radiographs_of_unknown_patients_are_not_grouped():
    index = index_of("AAB").assign(patient_id=pd.Series([None, None, None], dtype="str"))
    groups = group_duplicates(index, pairs_of(), pairs_of())
    assert groups["group_id"].tolist() == groups["image_id"].tolist()


def test_a_duplicate_joins_two_patients_and_alone_is_redundant():
    index = index_of("AAAAB").assign(patient_id=["p1", "p1", "p2", "p2", "p2"])
    groups = group_duplicates(index, pairs_of(("A-1", "A-2")), pairs_of())
    assert groups["group_id"].tolist() == ["A-0"] * 5
    assert groups["is_redundant"].tolist() == [False, False, True, False, False]
    assert not groups["has_label_conflict"].any()


def first_member_of_each(ids, pairs):
    """Slow union-find: merge until nothing changes; every id points to its group's first."""
    order = {image_id: row for row, image_id in enumerate(ids)}
    first = {image_id: image_id for image_id in ids}
    changed = True
    while changed:
        changed = False
        for one, other in pairs:
            leader = min(first[one], first[other], key=order.get)
            changed |= first[one] != leader or first[other] != leader
            first[one] = first[other] = leader
    return first


@st.composite
def studies_with_pairs(draw):
    labels = draw(st.lists(st.sampled_from("ABC"), min_size=2, max_size=25))
    of_one = st.lists(st.sampled_from([None, *"pqrst"]), min_size=25, max_size=25)
    patients = draw(of_one)[: len(labels)]
    rows = st.integers(0, len(labels) - 1)
    pairs = draw(st.lists(st.tuples(rows, rows).filter(lambda p: p[0] < p[1]), max_size=25))
    return labels, pairs, patients


@given(studies_with_pairs())
@settings(deadline=None, max_examples=60)
def test_groups_are_those_of_a_slow_union_find(study):
    labels, pairs, patients = study
    index = index_of(labels).assign(patient_id=pd.Series(patients, dtype="str"))
    ids = index["image_id"].tolist()
    within = [(ids[a], ids[b]) for a, b in pairs if labels[a] == labels[b]]
    across = [(ids[a], ids[b]) for a, b in pairs if labels[a] != labels[b]]
    groups = group_duplicates(index, pairs_of(*within), pairs_of(*across))
    shared = [(a, b) for a, p in zip(ids, patients, strict=True) if p is not None
              for b, q in zip(ids, patients, strict=True) if p == q]  # fmt: skip
    leaders = first_member_of_each(ids, within + across + shared)
    assert groups["image_id"].tolist() == ids
    assert groups["group_id"].tolist() == [leaders[image_id] for image_id in ids]
    sizes = [list(leaders.values()).count(leaders[image_id]) for image_id in ids]
    assert groups["group_size"].tolist() == sizes
    own = first_member_of_each(ids, within)
    assert groups["is_redundant"].tolist() == [own[image_id] != image_id for image_id in ids]
    conflicting = {image_id for pair in across for image_id in pair}
    assert groups["has_label_conflict"].tolist() == [image_id in conflicting for image_id in ids]
