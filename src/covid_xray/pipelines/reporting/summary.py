"""A study's results in some lines of at most 100 columns, for the end of a run in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd

from covid_xray.absence import NotMade
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import ALL, COVID, score_predictions
from covid_xray.split import Split
from covid_xray.studies.parameters import SplittingParameters

WIDTH = 100
_SCORES = {"macro F1": (ALL, "f1_score"), "COVID recall": (COVID, "recall")}


class Summary:
    """Lines about a study, told one part after the other.

    Args:
        study_name: under which its outputs lie.
        splitting: protocol and seed.
    """

    def __init__(self, study_name: str, splitting: SplittingParameters) -> None:
        self._name, self._splitting = study_name, splitting
        self._lines: list[str] = []

    def text(self) -> str:
        """All lines."""
        return "\n".join(self._lines) + "\n"

    def tell_study(self, index: pd.DataFrame, n_rejected: int) -> None:
        """What was run on what."""
        counts = index["label"].value_counts(sort=False)
        classes = ", ".join(
            f"{label} {n:,}" for label, n in zip(map(str, counts.index), counts, strict=True)
        )
        self._tell(
            f"{self._name}: {len(index):,} radiographs ({classes}), {n_rejected:,} files rejected. "
            f"Protocol {self._splitting.protocol}, seed {self._splitting.seed}."
        )

    def tell_planted(self, truth: pd.DataFrame) -> None:
        """What was planted in a phantom study, and how much of it was found."""
        self._head("Planted in the phantoms, and found (demo_truth):")
        columns = truth[["what", "planted", "found", "found_besides"]].to_dict("records")
        width = max(len(row["what"]) for row in columns)
        for row in columns:
            more = f", {row['found_besides']} besides" if row["found_besides"] else ""
            found = f"{row['found']:>3} of {row['planted']}{more}"
            self._lines.append(f"  {row['what']:<{width}}  {found}")

    def tell_best(
        self, predictions: pd.DataFrame, runs: pd.DataFrame, intervals: Intervals
    ) -> None:
        """The model that is best on validation radiographs, and its scores on those of test."""
        backbone, run = predictions[["backbone", "run"]].iloc[0]
        own = runs[(runs["backbone"] == backbone) & (runs["run"] == run)].iloc[0]
        scores = score_predictions(predictions, intervals)
        told = [
            _with_interval(scores, name, *place)
            for name, place in _SCORES.items()
            if (scores["label"] == place[0]).any()
        ]
        n_test = (predictions["split"] == Split.TEST).sum()
        self._head("Best of Table 5 on validation radiographs:")
        self._tell(
            f"{backbone}, {run}: {', '.join(told)} on {n_test:,} test radiographs "
            f"(95 % intervals; pre-trained weights: {own['weights']}).",
            indent="  ",
        )

    def tell_not_made(self, pages: Mapping[str, str | NotMade]) -> None:
        """The pipelines whose page the study can't have."""
        for name, page in pages.items():
            if isinstance(page, NotMade):
                self._tell(f"Not made: {name.removesuffix('_page')}, because {page.reason}")

    def tell_next(self) -> None:
        """What to open, and what to type."""
        folder = f"data/08_reporting/{self._name}"
        self._head("Open next:")
        for what, why in (
            (f"{folder}/study_page.md", "the index of all pages"),
            (f"{folder}/table_5.csv", "Report A's Table 5, ours and the published figures"),
            ("kedro viz run", "the pipelines and what each dataset is made of"),
            ("notebooks/first_look.ipynb", "the same data in a notebook"),
        ):
            self._lines.append(f"  {what:<46}  {why}")
        self._head("Your own radiographs, in folders named after their classes:")
        self._lines.append("  kedro run --env study --params study_path=FOLDER_OR_ZIP")

    def _head(self, text: str) -> None:
        self._lines += ["", text]

    def _tell(self, text: str, indent: str = "") -> None:
        self._lines += textwrap.wrap(
            text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  "
        )


def _with_interval(scores: pd.DataFrame, name: str, label: str, score: str) -> str:
    row = scores[(scores["label"] == label) & (scores["score"] == score)].iloc[0]
    return f"{name} {row['value']:.2f} [{row['low']:.2f}-{row['high']:.2f}]"
