"""Report A's experiments that score a preparation of the study with a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.class_scores import predicted_classes
from covid_xray.evaluation.metrics import accuracy_score, scores_by_class
from covid_xray.evaluation.published import stand_beside
from covid_xray.pipelines.reporting.scoring import score_with_intervals, select_test

FROZEN_METRICS = ("accuracy", "f1_score")
SCORE_COLUMNS = [
    f"{score}{suffix}" for score in FROZEN_METRICS for suffix in ("", "_low", "_high", "_natural")
]


def score_runs(
    runs: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    n_resamples: int,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """Score each run on its test radiographs.

    Accuracy and macro F1 are class-balanced, as in Table 5: accuracy is then the mean recall of
    the classes. `accuracy_natural` is the share of right predictions, at the test set's prevalence.

    Args:
        runs: `run, backbone, weights, n_train, note`.
        predictions: `run, split, label, predicted`, and `probability_<class>` for each class.
        n_resamples: bootstrap samples.
        confidence: coverage of the intervals.
        seed: seed of the resampling.

    Returns:
        `run` (as text), `backbone, weights, n_train, n_test`, the scores and `note`, in the order
        of the runs. Scores are missing where a run has no test predictions.
    """
    intervals = {"n_resamples": n_resamples, "confidence": confidence, "seed": seed}
    tested = select_test(predictions.assign(run=_as_names(predictions["run"])))
    table = runs.assign(run=_as_names(runs["run"]))[["run", "backbone", "weights", "n_train"]]
    tests = [tested[tested["run"] == run] for run in table["run"]]
    scores = pd.DataFrame(
        [_score_run(test, intervals) for test in tests], table.index, SCORE_COLUMNS, dtype=float
    )
    notes = ["" if pd.isna(note) else str(note) for note in runs["note"]]
    return table.assign(n_test=[len(test) for test in tests]).join(scores).assign(note=notes)


def augmentation_table(
    settings: pd.DataFrame, scored: pd.DataFrame, published: pd.DataFrame
) -> pd.DataFrame:
    """Report A's Tables 2 and 3 as one: each setting with the scores of its run.

    Args:
        settings: `setting`, what it sets, and `run`, which several settings may share.
        scored: the runs' scores.
        published: Table 3.

    Returns:
        The settings with the scores, and the published ones for the settings of Table 3.

    Raises:
        KeyError: if a setting names a run that was not scored.
    """
    ours = settings.assign(setting=_as_names(settings["setting"]), run=_as_names(settings["run"]))
    scores = scored.set_index("run").loc[ours["run"]].set_index(ours.index)
    theirs = published.assign(setting=_as_names(published["setting"]))
    return _beside_published(ours.join(scores), theirs, "setting", FROZEN_METRICS)


def preprocessing_table(scored: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Report A's Table 4: scores by variant of the study, beside the published accuracy."""
    ours = scored.rename(columns={"run": "variant"})
    return _beside_published(ours, published, "variant", ["accuracy"])


def laplacian_table(scored: pd.DataFrame) -> pd.DataFrame:
    """Scores by threshold of the Laplacian variance, descending; 0, last, means no filter."""
    thresholds = pd.to_numeric(scored["run"])
    table = scored.drop(columns="run")
    table.insert(0, "threshold", thresholds)
    return table.sort_values("threshold", ascending=False, ignore_index=True)


def _score_run(test: pd.DataFrame, intervals: dict[str, Any]) -> dict[str, float]:
    if test.empty:
        return {}
    # Runs may tell different classes apart; a run has no probabilities of the others'.
    classes = predicted_classes(test.dropna(axis="columns", how="all"))
    return score_with_intervals(test, classes, _frozen_scores, **intervals)


def _frozen_scores(confusion: NDArray[np.generic]) -> dict[str, NDArray[np.float64]]:
    macro_f1 = scores_by_class(confusion)["f1_score"].mean(axis=-1)
    return {"accuracy": accuracy_score(confusion), "f1_score": macro_f1}


def _as_names(column: pd.Series) -> pd.Series:
    """Runs or settings as text: CSV files turn "3" into 3, or into 3.0 beside a missing one."""
    names = [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        for value in column
    ]
    return pd.Series(names, column.index, dtype="str")


def _beside_published(
    ours: pd.DataFrame, published: pd.DataFrame, key: str, figures: Sequence[str]
) -> pd.DataFrame:
    table = stand_beside(ours.set_index(key), published.set_index(key), figures).reset_index()
    return table[[*table.columns.drop("note"), "note"]]
