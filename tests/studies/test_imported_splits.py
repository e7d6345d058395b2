"""Imported splits: a file gives a study its splits, or is refused with words."""

import unicodedata

import pandas as pd
import pytest

from covid_xray.datasets import CSVDataset, GivenTableDataset
from covid_xray.split import Protocol
from covid_xray.studies.imported_splits import import_splits
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.splits import SPLITS, SplitError, split_radiographs

COLUMNS = ["image_id", "label", "split", "kept"]
SPLIT_OF = {"A-0": "train", "A-1": "validation", "A-2": "test", "A-3": "train"}


def study_of(ids, together=(), redundant=()):
    """A study of radiographs, each in a group of its own but for some of one group."""
    groups = pd.DataFrame({"image_id": list(ids), "label": [name[0] for name in ids]})
    first = together[0] if together else ""
    groups["group_id"] = groups["image_id"].mask(groups["image_id"].isin(list(together)), first)
    return groups.assign(is_redundant=groups["image_id"].isin(list(redundant)))


def rows_of(split_of=SPLIT_OF, **columns):
    rows = {"image_id": list(split_of), "split": list(split_of.values())}
    return pd.DataFrame(rows | columns, dtype="str")


def imported(groups, given, protocol=Protocol.LEAK_FREE):
    splits = import_splits(groups, given, protocol)
    SPLITS.validate(splits)
    assert splits["image_id"].tolist() == groups["image_id"].tolist()
    return splits.set_index("image_id")[["kept", "split"]].T.to_dict("list")


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("label", ["COVID", "NA", "1", 'a, "b"'])
def test_the_saved_splits_of_a_study_give_themselves_again(tmp_path, protocol, label):
    ids = [f"{name}-{k}" for name in (label, "Normal") for k in range(9)]
    groups = pd.DataFrame({"image_id": ids, "label": [name.rpartition("-")[0] for name in ids]})
    groups["group_id"] = [ids[0], ids[0], ids[2], *ids[3:9], ids[2], *ids[10:]]
    groups["is_redundant"] = groups["image_id"] == ids[1]
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    drawn = split_radiographs(groups, SplittingParameters(protocol=protocol, **shares, seed=3))
    file = tmp_path / "splits.csv"
    CSVDataset(filepath=str(file)).save(drawn)
    given = GivenTableDataset(filepath=str(file), columns=COLUMNS).load()
    pd.testing.assert_frame_equal(import_splits(groups, given, protocol), drawn)


def test_a_file_of_names_and_splits_alone_will_do():
    splits = imported(study_of(SPLIT_OF), rows_of())
    assert splits == {name: [True, split] for name, split in SPLIT_OF.items()}


def test_names_and_words_may_be_in_any_case_and_unicode_form():
    ids = [*SPLIT_OF, unicodedata.normalize("NFD", "A-\u00e9")]
    given = rows_of({name.lower(): split.upper() for name, split in SPLIT_OF.items()})
    last = pd.DataFrame({"image_id": ["A-\u00e9"], "split": ["Test"]}, dtype="str")
    splits = imported(study_of(ids), pd.concat([given, last]))
    assert splits == {**{name: [True, split] for name, split in SPLIT_OF.items()},
                      ids[-1]: [True, "test"]}  # fmt: skip


def test_names_that_differ_in_case_alone_take_their_own_splits():
    ids = {**SPLIT_OF, "a-0": "test"}
    assert imported(study_of(SPLIT_OF), rows_of(ids))["A-0"] == [True, "train"]


def test_what_the_study_does_not_know_is_left_out_and_counted(caplog):
    given = rows_of({**SPLIT_OF, "A-8": "test", "A-9": "train"})
    assert set(imported(study_of(SPLIT_OF), given)) == set(SPLIT_OF)
    assert "2 radiograph(s) of the file are not in the study, and are left out (A-8" in caplog.text


def test_what_the_file_lacks_is_not_used_and_counted(caplog):
    groups = study_of([*SPLIT_OF, "A-8", "A-9"], together=["A-2", "A-9"])
    splits = imported(groups, rows_of())
    # A group's other radiograph is known to be on the test's side; a stranger is on none.
    assert (splits["A-8"], splits["A-9"]) == ([False, "train"], [False, "test"])
    assert "2 radiograph(s) of the study are not in the file, and are not used (A-8" in caplog.text


def test_the_file_decides_which_radiographs_are_used(caplog):
    groups = study_of(SPLIT_OF, together=["A-0", "A-3"], redundant=["A-3"])
    assert imported(groups, rows_of())["A-3"] == [True, "train"]
    assert "1 redundant duplicate(s) are used" in caplog.text
    caplog.clear()
    given = rows_of(kept=["True", "1", "", "False"])
    assert imported(groups, given)["A-3"] == [False, "train"]
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (rows_of()[["image_id"]], "no column split. It needs image_id and split"),
        (rows_of()[["split"]], "no column image_id"),
        (rows_of(SPLIT_OF | {"A-1": "val", "A-3": ""}),
         r"2 row\(s\) have an unknown split \('val' of A-1, '' of A-3\). Known are train, valid"),
        (rows_of(kept=["True", "yes", "True", "True"]), "unknown kept .'yes' of A-1"),
        (pd.concat([rows_of(), rows_of({"A-0": "test"})]),
         r"1 radiograph\(s\) come again with other values \(A-0\)"),
        (rows_of(label=["A", "B", "A", "A"]),
         r"1 radiograph\(s\) have another class.*A-1: B, here A"),
        (rows_of(SPLIT_OF | {"A-2": "train"}), r"1 class\(es\) have no radiograph.*'A' in test"),
        (rows_of({"B-1": "train"}), "'A' in train, 'A' in validation, 'A' in test"),
        (rows_of(kept=["True", "True", "False", "True"]), "'A' in test"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("protocol", Protocol)
def test_files_that_can_not_be_followed_are_refused(given, words, protocol):
    with pytest.raises(SplitError, match=words):
        import_splits(study_of(SPLIT_OF), given, protocol)


def test_a_row_that_comes_again_alike_is_one_row():
    assert imported(study_of(SPLIT_OF), pd.concat([rows_of(), rows_of()]))["A-0"] == [True, "train"]


def test_a_group_torn_apart_is_refused_and_under_published_told(caplog):
    groups = study_of([*SPLIT_OF, "A-4"], together=["A-2", "A-3"])
    words = (
        "1 duplicate group(s) or patient(s), of 2 radiographs, are torn apart by the file "
        "(A-2 in test, A-3 in train)"
    )
    with pytest.raises(SplitError) as caught:
        imported(groups, rows_of())
    assert words in str(caught.value)
    assert imported(groups, rows_of(), Protocol.PUBLISHED)["A-3"] == [True, "train"]
    assert words in caplog.text


def test_a_group_is_not_torn_apart_by_what_is_not_used():
    groups = study_of(SPLIT_OF, together=["A-2", "A-3"])
    given = rows_of(kept=["True", "True", "True", "False"])
    assert imported(groups, given)["A-3"] == [False, "train"]
