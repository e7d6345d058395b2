"""The networks of Report B, and what is built on them (section Pistes d'amélioration)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
_OF_ALL_CLASSES = {"cnn_all_classes": ScreeningModel("CNN of all classes", "cnn", target=None)}
CLASSICAL = {
    "logistic_regression": "features + logistic regression",
    "svm": "features + SVM",
    "random_forest": "features + random forest",
}
_VOTES = {"soft_voting": "soft voting of both", "one_against_rest": "vote of a CNN per class"}
TITLES = (
    {name: model.title for name, model in (_OF_COVID | _OF_ALL_CLASSES).items()}
    | CLASSICAL
    | _VOTES
)

PAIR = ("cnn", "xception")
"""The report's two networks; they are combined, deployed and explained."""
TWO_CLASSES = (*PAIR, NAIVE, "soft_voting", *CLASSICAL)
ALL_CLASSES = ("one_against_rest", "cnn_all_classes")
ANSWERS = (*TWO_CLASSES, *ALL_CLASSES)
"""Everything that answers "COVID or not", in the order of the tables."""
LUNGS = "lung_extractor"
"""The part that finds the lungs and equalises them."""
PUBLISHED = {"cnn": "cnn_from_scratch", "xception": "xception_truncated"}
"""Our networks in the words of the published tables."""


def networks_of(classes: Iterable[str]) -> dict[str, ScreeningModel]:
    """The networks to train, each of another question, a CNN for every class against the rest.

    Without the class COVID, none tells it from the rest. Of two classes, one against the rest and
    all classes are the same question.

    Args:
        classes: the study's classes.
    """
    labels = sorted(set(classes))
    networks = dict(_OF_COVID) if COVID in labels else {}
    if len(labels) > 2 or not networks:
        networks |= _OF_ALL_CLASSES
    for label in labels if len(labels) > 2 else []:
        if label != COVID:
            title = f"CNN, {label.replace('_', ' ')} against the rest"
            networks[_free_name(label, networks)] = ScreeningModel(title, "cnn", label)
    return networks


def _free_name(label: str, taken: Iterable[str]) -> str:
    """A name for the CNN of a class, with a number where another class has it already."""
    name = "cnn_" + re.sub(r"\W+", "_", label.lower())
    names = (name, *(f"{name}_{number}" for number in range(2, len([*taken]) + 2)))
    return next(free for free in names if free not in taken)


def why_unanswered(answers: Sequence[str], classes: Iterable[str]) -> str:
    """Why none of some answers is given in a study.

    Args:
        answers: `TWO_CLASSES` or `ALL_CLASSES`.
        classes: the study's classes.
    """
    labels = set(classes)
    if answers == TWO_CLASSES and COVID not in labels:
        return f"the study has no class {COVID}, which is told from the rest."
    if answers == ALL_CLASSES and len(labels) == 2:
        return "the study has two classes, of which one against the rest is the same question."
    return "no network that answers it could be trained; `screening_runs` has the reasons."


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
