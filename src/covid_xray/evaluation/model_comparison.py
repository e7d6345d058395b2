"""Report A's comparison of models: Table 5, and Figure 14 for one of its backbones."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from covid_xray.evaluation.published import stand_beside
from covid_xray.evaluation.scoring import COVID, REPORT_SCORES, RUN_KEYS, wide_scores

_WEIGHT = "weight_"
_COVID_WEIGHT = f"{_WEIGHT}{COVID}"
_KEYS = ["backbone", "covid_weight"]
_SIZES = ["variant", "weights", "n_train", "n_test"]


def run_titles(runs: pd.DataFrame) -> dict[str, str]:
    """What readers call each run: its class weights, such as `COVID weight 2`.

    Args:
        runs: `run`, and `weight_<class>` for each class that some run weighs.
    """
    weights = runs.filter(regex=f"^{_WEIGHT}")
    weights.columns = weights.columns.str.removeprefix(_WEIGHT)
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
        `backbone` (its id), `covid_weight, variant, weights, n_train, n_test`, the scores as
        `wide_scores` gives them, and `trainable_params`.
    """
    keys = list(RUN_KEYS)
    weight = runs.get(_COVID_WEIGHT, pd.Series(1, runs.index)).fillna(1)
    known = runs.assign(covid_weight=weight)[[*keys, "covid_weight", *_SIZES]]
    joined = known.merge(wide_scores(scores, REPORT_SCORES), on=keys, how="left")
    trainable = runs["trainable_params"].to_numpy()
    return joined.drop(columns="run").assign(trainable_params=trainable)


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
        `<figure>_difference` for every published one.
    """
    table = scored_runs(runs, scores).replace({"backbone": dict(report_names)}).set_index(_KEYS)
    figures = [*REPORT_SCORES, "trainable_params"]
    return stand_beside(table, published.set_index(_KEYS), figures).reset_index()


def class_weight_table(runs: pd.DataFrame, scores: pd.DataFrame, report_name: str) -> pd.DataFrame:
    """Report A's Figure 14: scores of one backbone by the weight of COVID in its loss.

    Args:
        runs: the backbone's rows of the table of runs.
        scores: what `score_runs` returns of their predictions.
        report_name: what the report calls the backbone.

    Returns:
        `backbone`, `covid_weight`, ascending, and each score with its interval and its natural
        value.
    """
    table = scored_runs(runs, scores).assign(backbone=report_name)
    others = [*_SIZES, "trainable_params"]
    return table.drop(columns=others).sort_values("covid_weight", ignore_index=True)
