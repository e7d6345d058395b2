"""What was planted in a phantom study, and how much of it the project found."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import pandas as pd

from covid_xray.evaluation.predictions import select_split
from covid_xray.tables import Text, Whole, table

DEMO_TRUTH = table(
    "something that the phantom study was drawn with",
    {
        "what": Text(description="what was planted"),
        "planted": Whole(description="how often"),
        "found": Whole(description="how many of these were found"),
        "found_besides": Whole(description="what was found and not planted"),
        "how": Text(description="what counts as found"),
    },
)
LEAST_DICE = 0.9
_COPIES = {
    "exact": "copies of the same bytes",
    "reencoded": "copies that went through JPEG",
    "shifted": "copies moved by a pixel or two",
    "label_conflict": "copies under another class",
}


class Found(NamedTuple):
    """A row of `DEMO_TRUTH`."""

    what: str
    planted: int
    found: int
    found_besides: int
    how: str


def compare_sets(
    what: str, planted: Collection[object], found: Collection[object], how: str
) -> Found:
    """What was planted, what of it was found, and what was found besides."""
    ours, theirs = set(found), set(planted)
    return Found(what, len(theirs), len(ours & theirs), len(ours - theirs), how)


def find_copies(truth: pd.DataFrame, groups: pd.DataFrame) -> Iterator[Found]:
    """Planted copies whose duplicate group is that of their source, by kind.

    Args:
        truth: `image_id, duplicate_of, duplicate_kind` of every file; empty texts if none.
        groups: table `DUPLICATE_GROUPS`. Groups of no planted copy are counted in the first row.
    """
    group_of = groups.set_index("image_id")["group_id"]
    copies = truth[truth["duplicate_of"] != ""]
    own = copies["image_id"].map(group_of)
    found = own.notna() & (own == copies["duplicate_of"].map(group_of))
    several = set(groups.loc[groups["group_size"] > 1, "group_id"])
    besides = len(several - set(own))
    for kind, what in _COPIES.items():
        of_kind = copies["duplicate_kind"] == kind
        n_found = int((of_kind & found).sum())
        yield Found(what, int(of_kind.sum()), n_found, besides, "a duplicate group with the source")
        besides = 0


def find_flaws(
    truth: pd.DataFrame, index: pd.DataFrame, rejected: pd.DataFrame, blurred: Collection[str]
) -> Iterator[Found]:
    """Broken files, missing masks, blur and sources.

    Args:
        truth: `file, image_id, source_url, has_mask, blurred, defect` of every file.
        index: the study's index.
        rejected: table `REJECTED_FILES`.
        blurred: image_id of the radiographs below the Laplacian threshold.
    """
    broken = truth.loc[truth["defect"] != "", "file"]
    yield compare_sets("broken files", broken, rejected["file"], "a row of rejected_radiographs")
    whole = truth[truth["defect"] == ""]
    yield compare_sets(
        "radiographs without a lung mask",
        whole.loc[~whole["has_mask"], "image_id"],
        index.loc[~index["has_mask"], "image_id"],
        "has_mask in radiograph_index",
    )
    yield compare_sets(
        "blurred radiographs",
        whole.loc[whole["blurred"], "image_id"],
        blurred,
        "a Laplacian variance below the threshold",
    )
    planted, found = (
        set(zip(of["image_id"], of["source_url"], strict=True)) for of in (whole, index)
    )
    yield compare_sets("hospitals", planted, found, "source_url in radiograph_index")


def find_lungs(pair_scores: pd.DataFrame, method: str) -> Found:
    """Lung masks of test pairs that a method finds.

    Args:
        pair_scores: table `SEGMENTATION_PAIR_SCORES`.
        method: its name there.
    """
    dice = pair_scores.loc[pair_scores["method"] == method, "dice"]
    how = f"Dice of the {method} at least {LEAST_DICE}, test pairs"
    return Found("lungs", len(dice), int((dice >= LEAST_DICE).sum()), 0, how)


def find_classes(what: str, predictions: pd.DataFrame, how: str) -> Found:
    """Test radiographs whose class is told right.

    Args:
        what: what tells it.
        predictions: of one run.
        how: what told it.
    """
    test = select_split(predictions)
    right = int((test["label"] == test["predicted"]).sum())
    return Found(what, len(test), right, 0, how)
