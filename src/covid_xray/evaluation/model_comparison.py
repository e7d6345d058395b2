"""Report A's comparison of models: Table 5, and Figure 14 for one of its backbones."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from covid_xray.absence import CannotMakeError
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.published import stand_beside
from covid_xray.evaluation.scoring import (
    ALL,
    COVID,
    REPORT_SCORES,
    RUN_KEYS,
    known_scores,
    score_runs,
    wide_scores,
)
from covid_xray.split import Split

RANDOM_TRUNK = "stands on frozen layers of random weights"
_WEIGHT = "weight_"
_COVID_WEIGHT = f"{_WEIGHT}{COVID}"
_OF_COVID = {name for name, (label, _) in REPORT_SCORES.items() if label == COVID}
_KEYS = ["backbone", "covid_weight"]
_SIZES = ["variant", "weights", "n_train", "n_test"]


def run_titles(runs: pd.DataFrame, classes: Collection[str]) -> dict[str, str]:
    """What readers call each run: its class weights, such as `COVID weight 2`; or else its name.

    Args:
        runs: `run`, and `weight_<class>` for each class that some run weighs.
        classes: the study's classes.
    """
    weights = runs.filter(regex=f"^{_WEIGHT}")
    weights.columns = weights.columns.str.removeprefix(_WEIGHT)
    weights = weights.loc[:, weights.columns.isin(classes)]
    words = [
        ", ".join(f"{label} weight {weight:g}" for label, weight in row.dropna().items())
        for _, row in weights.iterrows()
    ]
    return {run: title or run for run, title in zip(runs["run"], words, strict=True)}


def scored_runs(runs: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Runs with the scores of Table 5.

    Args:
        runs: the table of runs.
        scores: what `score_runs` returns of their predictions.

    Returns:
        `backbone` (its id), `covid_weight, run, variant, weights, n_train, n_test`, the scores as
        `wide_scores` gives them, `trainable_params` and `note`. In a study without COVID there is
        no column of it. `covid_weight` is missing where a run weighs other classes.
    """
    keys = list(RUN_KEYS)
    names = known_scores(scores)
    known = runs[["backbone", "run", *_SIZES]]
    if names.keys() & _OF_COVID:
        known.insert(1, "covid_weight", _covid_weight(runs))
    joined = known.merge(wide_scores(scores, names), on=keys, how="left")
    last = runs[["trainable_params", "note"]].reset_index(drop=True)
    on_random = (runs["weights"] == "none").to_numpy() & (last["note"] == "")
    last["note"] = last["note"].mask(on_random, RANDOM_TRUNK)
    return pd.concat([joined, last], axis="columns")


def _covid_weight(runs: pd.DataFrame) -> pd.Series:
    """The weight of COVID under which each run is comparable with the report's."""
    weights = runs.filter(regex=f"^{_WEIGHT}").fillna(1)
    covid = weights.get(_COVID_WEIGHT, pd.Series(1, runs.index))
    others = weights.drop(columns=_COVID_WEIGHT, errors="ignore")
    return covid.where((others == 1).all(axis="columns"))


def model_comparison_table(
    runs: pd.DataFrame,
    scores: pd.DataFrame,
    published: pd.DataFrame,
    report_names: Mapping[str, str],
) -> pd.DataFrame:
    """Report A's Table 5: each run's scores beside the published ones.

    Args:
        runs: the table of runs.
        scores: what `score_runs` returns of their predictions.
        published: the published table.
        report_names: what the report calls each backbone, by id.

    Returns:
        `scored_runs` under the report's names, with `<figure>_published` and
        `<figure>_difference` for every published one; the report has none for a study without
        COVID.
    """
    table = scored_runs(runs, scores).replace({"backbone": dict(report_names)})
    if "covid_weight" not in table:
        return table
    figures = [*known_scores(scores), "trainable_params"]
    beside = stand_beside(table.set_index(_KEYS), published.set_index(_KEYS), figures)
    return beside.reset_index()


def class_weight_table(runs: pd.DataFrame, scores: pd.DataFrame, report_name: str) -> pd.DataFrame:
    """Report A's Figure 14: scores of one backbone by the weight of COVID in its loss.

    Args:
        runs: the backbone's rows of the table of runs.
        scores: what `score_runs` returns of their predictions.
        report_name: what the report calls the backbone.

    Returns:
        `backbone`, `covid_weight`, ascending, and each score with its interval and its natural
        value.

    Raises:
        CannotMakeError: if the study has no COVID, or it could not be scored.
    """
    table = scored_runs(runs, scores).assign(backbone=report_name)
    if "covid_weight" not in table:
        raise CannotMakeError(f"the study has no class {COVID}, by whose weight scores are shown.")
    others = ["run", *_SIZES, "trainable_params", "note"]
    of_covid = table[table["covid_weight"].notna()].drop(columns=others)
    return of_covid.sort_values("covid_weight", ignore_index=True)


def best_on_validation(predictions: pd.DataFrame, intervals: Intervals) -> pd.DataFrame:
    """The predictions of the run with the highest macro F1 on validation radiographs.

    Args:
        predictions: of many runs, `backbone, run` first.
        intervals: of the scores.

    Returns:
        The run's rows, of validation and test; the first of runs that are equal.

    Raises:
        CannotMakeError: if no run was trained.
    """
    validation = predictions[predictions["split"] == Split.VALIDATION].assign(split=Split.TEST)
    scores = score_runs(validation, intervals)
    macro = scores[(scores["label"] == ALL) & (scores["score"] == "f1_score")]
    if macro.empty:
        raise CannotMakeError("no run could be trained, so there is no best one.")
    best = macro.nlargest(1, "value")[list(RUN_KEYS)]
    return predictions.merge(best, on=list(RUN_KEYS))
