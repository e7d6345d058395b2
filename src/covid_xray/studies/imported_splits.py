"""Splits that a CSV file gives, so that two groups compare on the same radiographs."""

from __future__ import annotations

import logging

import pandas as pd

from covid_xray.split import Protocol, Split
from covid_xray.studies.matching import name_key
from covid_xray.studies.sheets import some_of
from covid_xray.studies.splits import SPLITS, SplitError

logger = logging.getLogger(__name__)

_FLAGS = {"": True, "true": True, "1": True, "false": False, "0": False}


def import_splits(groups: pd.DataFrame, given: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Give a study's radiographs the splits of a file; those that the file lacks are not used.

    The file decides which radiographs are used, redundant duplicates included, so that the rows are
    the same for all who use it. A table of splits that this project saved gives itself again.

    Args:
        groups: table `DUPLICATE_GROUPS`.
        given: the file's rows, as text: `image_id`, `split`, and where it has them `label`, which
            must be the study's, and `kept`, false for a radiograph that is not used.
        protocol: under `published`, groups may be torn apart, with a warning.

    Returns:
        Table `SPLITS`, in the order of `groups`.

    Raises:
        SplitError: if rows contradict each other or the study, a class is missing in a split, or a
            duplicate group or patient is torn apart under `leak_free`.
    """
    rows = _clean(given)
    study = groups.reset_index(drop=True)
    place = _places(study["image_id"], rows["image_id"])
    _tell_unmatched(study["image_id"][place.isna()], rows["image_id"].drop(place.dropna()))
    found = rows.reindex(place).set_index(study.index)
    _check_labels(study, found)
    kept, split = found["kept"].eq(True), found["split"]
    # What is not listed is used nowhere; its split says on which side its group is.
    side = split[kept].groupby(study["group_id"]).first()
    split = split.fillna(study["group_id"].map(side)).fillna(str(Split.TRAIN))
    splits = study[["image_id", "label", "group_id"]].assign(kept=kept, split=split.astype("str"))
    _check_classes(splits)
    _check_groups(splits[kept], protocol)
    n_redundant = int((kept & study["is_redundant"]).sum())
    if n_redundant:
        logger.warning("split_path: %d redundant duplicate(s) are used as it says.", n_redundant)
    return splits.set_index(groups.index)[list(SPLITS.columns)]


def _clean(given: pd.DataFrame) -> pd.DataFrame:
    """The file's rows, each radiograph once, with `kept` as bool."""
    lacking = [name for name in ("image_id", "split") if name not in given]
    if lacking:
        raise SplitError(
            f"The file that split_path names has no column {' and '.join(lacking)}. It needs "
            "image_id and split; label and kept are optional."
        )
    rows = given if "kept" in given else given.assign(kept="")
    _check_values(rows, "split", list(map(str, Split)))
    _check_values(rows, "kept", list(_FLAGS))
    split, kept = rows["split"].str.casefold(), rows["kept"].str.casefold().map(_FLAGS)
    rows = rows.assign(split=split, kept=kept).drop_duplicates(ignore_index=True)
    twice = rows.loc[rows["image_id"].duplicated(), "image_id"].tolist()
    if twice:
        raise SplitError(
            f"split_path: {len(twice)} radiograph(s) come again with other values "
            f"({some_of(twice)}). Leave one row of each."
        )
    return rows


def _check_values(rows: pd.DataFrame, name: str, known: list[str]) -> None:
    bad = rows[~rows[name].str.casefold().isin(known)]
    if len(bad):
        told = some_of([f"'{value}' of {of}" for of, value in bad[["image_id", name]].to_numpy()])
        listed = ", ".join(text for text in known if text)
        raise SplitError(
            f"split_path: {len(bad)} row(s) have an unknown {name} ({told}). Known are {listed}."
        )


def _places(ids: pd.Series, given: pd.Series) -> pd.Series:
    """The row of each radiograph: as it is spelt, else in another case or Unicode form."""
    place = ids.map(pd.Series(given.index, given.to_numpy()))
    rest, left = given.drop(place.dropna()), ids[place.isna()]
    keys, left_keys = rest.map(name_key), left.map(name_key)
    keys = keys[~keys.duplicated(keep=False)]
    left_keys = left_keys[~left_keys.duplicated(keep=False)]
    return place.fillna(left_keys.map(pd.Series(keys.index, keys.to_numpy())))


def _tell_unmatched(missing: pd.Series, unknown: pd.Series) -> None:
    if len(unknown):
        logger.warning(
            "split_path: %d radiograph(s) of the file are not in the study, and are left out (%s).",
            len(unknown), some_of(unknown.tolist()),
        )  # fmt: skip
    if len(missing):
        logger.warning(
            "split_path: %d radiograph(s) of the study are not in the file, and are not used (%s).",
            len(missing), some_of(missing.tolist()),
        )  # fmt: skip


def _check_labels(study: pd.DataFrame, found: pd.DataFrame) -> None:
    if "label" not in found:
        return
    both = study[["image_id", "label"]].assign(given=found["label"]).dropna()
    other = both[both["given"] != both["label"]]
    if len(other):
        told = some_of([f"{name}: {given}, here {own}" for name, own, given in other.to_numpy()])
        raise SplitError(
            f"split_path: {len(other)} radiograph(s) have another class in the file ({told}). "
            "Correct the file, or leave out its column label."
        )


def _check_classes(splits: pd.DataFrame) -> None:
    used = splits[splits["kept"]]
    there = set(zip(used["label"], used["split"], strict=True))
    wanted = [(label, str(split)) for label in splits["label"].unique() for split in Split]
    empty = [f"'{label}' in {split}" for label, split in wanted if (label, split) not in there]
    if empty:
        raise SplitError(
            f"split_path: {len(empty)} class(es) have no radiograph in a split ({some_of(empty)}). "
            "Every class of the study must be in train, validation and test."
        )


def _check_groups(used: pd.DataFrame, protocol: Protocol) -> None:
    n_splits = used.groupby("group_id")["split"].transform("nunique")
    of_torn = used[n_splits > 1]
    if of_torn.empty:
        return
    of_torn = of_torn.sort_values("group_id", kind="stable")
    told = some_of((of_torn["image_id"] + " in " + of_torn["split"]).tolist())
    message = (
        f"split_path: {of_torn['group_id'].nunique()} duplicate group(s) or patient(s), of "
        f"{len(of_torn)} radiographs, are torn apart by the file ({told})"
    )
    if protocol is Protocol.LEAK_FREE:
        raise SplitError(
            f"{message}. Put each in one split, or compare under protocol=published, which leaks."
        )
    logger.warning("%s.", message)
