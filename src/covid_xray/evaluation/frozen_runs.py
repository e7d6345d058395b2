"""Report A's experiments that score a preparation of the study with a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.published import stand_beside
from covid_xray.evaluation.scoring import FROZEN_SCORES, score_runs, wide_scores
from covid_xray.split import Split


def score_frozen_runs(
    runs: pd.DataFrame, predictions: pd.DataFrame, intervals: Intervals
) -> pd.DataFrame:
    """Score each run on its test radiographs.

    Accuracy and macro F1 are class-balanced, as in Table 5: accuracy is then the mean recall of
    the classes. `accuracy_natural` is the share of right predictions, at the test set's prevalence.

    Args:
        runs: `run, backbone, weights, n_train, note`.
        predictions: `run, split, label, predicted`, and `probability_<class>` for each class.
        intervals: bootstrap intervals.

    Returns:
        `run` (as text), `backbone, weights, n_train, n_test`, the scores and `note`, in the order
        of the runs. Scores are missing where a run has no test predictions.
    """
    tested = predictions.assign(run=_as_names(predictions["run"]))
    scores = wide_scores(score_runs(tested, intervals, keys=["run"]), FROZEN_SCORES)
    table = runs.assign(run=_as_names(runs["run"]))[["run", "backbone", "weights", "n_train"]]
    n_test = tested.loc[tested["split"] == Split.TEST, "run"].value_counts()
    notes = ["" if pd.isna(note) else str(note) for note in runs["note"]]
    table["n_test"] = n_test.reindex(table["run"], fill_value=0).to_numpy()
    return table.merge(scores, how="left", on="run").assign(note=notes)


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
    return _beside_published(ours.join(scores), theirs, "setting", list(FROZEN_SCORES))


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
