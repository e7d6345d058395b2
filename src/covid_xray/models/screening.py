"""The networks of Report B, and what is built on them (section Pistes d'amélioration)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from covid_xray.evaluation.scoring import COVID


@dataclass(frozen=True)
class ScreeningModel:
    """One network to train.

    Attributes:
        title: what readers call it.
        architecture: `cnn` (from scratch) or `xception` (truncated).
        target: the class it tells from all others; None tells all classes apart.
        masked: whether it sees nothing but equalised lungs; or else radiographs as they came.
    """

    title: str
    architecture: Literal["cnn", "xception"]
    target: str | None = COVID
    masked: bool = True

    def facts(self) -> dict[str, Any]:
        """What sets its run apart from the others."""
        return {"architecture": self.architecture, "target": self.target, "masked": self.masked}


NAIVE = "naive_cnn"
# Another network joins the tables of runs by an entry here; what answers "COVID or not" is below.
_OF_COVID = {
    "cnn": ScreeningModel("CNN from scratch", "cnn"),
    "xception": ScreeningModel("truncated Xception", "xception"),
    NAIVE: ScreeningModel("naive CNN, unmasked", "cnn", masked=False),
}
_OF_ALL_CLASSES = {"cnn_four_classes": ScreeningModel("CNN of four classes", "cnn", target=None)}
CLASSICAL = {
    "logistic_regression": "features + logistic regression",
    "svm": "features + SVM",
    "random_forest": "features + random forest",
}
_VOTES = {"soft_voting": "soft voting of both", "one_against_rest": "vote of four CNNs"}
TITLES = (
    {name: model.title for name, model in (_OF_COVID | _OF_ALL_CLASSES).items()}
    | CLASSICAL
    | _VOTES
)

PAIR = ("cnn", "xception")
"""The report's two networks; they are combined, deployed and explained."""
TWO_CLASSES = (*PAIR, NAIVE, "soft_voting", *CLASSICAL)
FOUR_CLASSES = ("one_against_rest", "cnn_four_classes")
ANSWERS = (*TWO_CLASSES, *FOUR_CLASSES)
"""Everything that answers "COVID or not", in the order of the tables."""
LUNGS = "lung_extractor"
"""The part that finds the lungs and equalises them."""
PUBLISHED = {"cnn": "cnn_from_scratch", "xception": "xception_truncated"}
"""Our networks in the words of the published tables."""


def networks_of(classes: Iterable[str]) -> dict[str, ScreeningModel]:
    """The networks to train, a CNN for every class against the rest among them.

    Args:
        classes: the study's classes.
    """
    others = {
        "cnn_" + re.sub(r"\W+", "_", label.lower()): ScreeningModel(
            f"CNN, {label.replace('_', ' ')} against the rest", "cnn", label
        )
        for label in sorted(set(classes) - {COVID})
    }
    return _OF_COVID | others | _OF_ALL_CLASSES


def one_against_rest(runs: pd.DataFrame) -> dict[str, str]:
    """The class of each trained run that votes on one class against the rest.

    Args:
        runs: the table of runs.
    """
    voters = runs[
        (runs["architecture"] == "cnn") & runs["masked"].astype(bool) & runs["target"].notna()
    ]
    trained = voters[voters["epochs_run"] > 0]
    return dict(zip(trained["run"], trained["target"], strict=True))


def titles_of(runs: pd.DataFrame) -> dict[str, str]:
    """What readers call each trained run, in the order of the table of runs."""
    networks = networks_of(runs["target"].dropna())
    return {run: networks[run].title for run in runs.loc[runs["epochs_run"] > 0, "run"]}


def parts_of_answers(voters: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The parts that each of `ANSWERS` is made of.

    Args:
        voters: names of the networks that vote, each on one class.
    """
    return {
        **{name: (LUNGS, name) for name in (*PAIR, *_OF_ALL_CLASSES)},
        NAIVE: (NAIVE,),
        "soft_voting": (LUNGS, *PAIR),
        **{name: (LUNGS, *PAIR, name) for name in CLASSICAL},
        "one_against_rest": (LUNGS, *voters),
    }
