"""Everything that answers "COVID or not", side by side (Report B, Résultats)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.published import published_value, stand_beside
from covid_xray.evaluation.scoring import ALL, COVID
from covid_xray.evaluation.screening_scores import operating_point, score_screening

_MEGABYTE = 1e6
_KEYS = ["model", "label"]
_COUNTS = ("n_test", "n_positive", "parameters")


def compare_answers(
    answers: Mapping[str, pd.DataFrame],
    titles: Mapping[str, str],
    costs: pd.DataFrame,
    parts: Mapping[str, Sequence[str]],
    intervals: Intervals,
) -> pd.DataFrame:
    """Scores and costs of every answer.

    Args:
        answers: predictions of each answer.
        titles: what readers call it.
        costs: `part, parameters, file_bytes, ms_per_image`.
        parts: what each answer is made of.
        intervals: of the scores.

    Returns:
        By `model`: `title`; what `score_screening` returns; `parameters, file_megabytes,
        ms_per_image`, summed over the parts.
    """
    of_part = costs.set_index("part")
    rows = []
    for name, predictions in answers.items():
        scores = score_screening(predictions, intervals)
        cost = of_part.loc[list(parts[name])].sum()
        rows.append({"model": name, "title": titles[name]} | scores | cost.to_dict())
    table = pd.DataFrame(rows).rename(columns={"file_bytes": "file_megabytes"})
    table["file_megabytes"] /= _MEGABYTE
    return table.set_index("model").astype(dict.fromkeys(_COUNTS, "Int64"))


def add_unanswered(
    compared: pd.DataFrame, titles: Mapping[str, str], runs: pd.DataFrame
) -> pd.DataFrame:
    """The comparison with a row for each answer that could not be given, and why in `note`.

    Args:
        compared: what `compare_answers` returns.
        titles: what readers call each answer, in the order of the rows.
        runs: the table of runs, whose notes say why one was not trained.
    """
    notes = runs.loc[runs["note"] != "", "note"]
    if notes.empty:
        return compared.assign(note="")
    table = compared.assign(note="").reindex([*titles])
    lacking = table["note"].isna()
    table["title"] = pd.Series(titles)
    table["note"] = table["note"].mask(lacking, str(notes.iloc[0]))
    return table


def published_screening(
    scores: pd.DataFrame, figures: pd.DataFrame, names: Mapping[str, str]
) -> pd.DataFrame:
    """Report B's accuracy, COVID scores and file sizes, by our names of its models.

    Args:
        scores: Report B's classification reports.
        figures: single figures of the reports.
        names: the report's name of each of our models.
    """
    covid = scores[scores["label"] == COVID].set_index("model")
    theirs = covid.loc[[*names.values()], ["accuracy", "recall", "precision", "f1_score"]]
    sizes = [published_value(figures, f"{name}_file_megabytes", "B") for name in theirs.index]
    return theirs.assign(file_megabytes=sizes).set_axis([*names]).rename_axis("model")


def operating_points_of(
    answers: Mapping[str, pd.DataFrame], intervals: Intervals, sensitivity: float
) -> pd.DataFrame:
    """`model`, and what `operating_point` returns, of every answer."""
    rows = [
        {"model": name} | operating_point(predictions, intervals, sensitivity=sensitivity)
        for name, predictions in answers.items()
    ]
    return pd.DataFrame(rows)


def scores_side_by_side(class_scores: pd.DataFrame) -> pd.DataFrame:
    """A long table of scores with a row per model and class.

    Args:
        class_scores: `model, label, score, value, low, high`.

    Returns:
        By `model, label`, in their order: `<score>, <score>_low, <score>_high` of each score.
    """
    order = pd.MultiIndex.from_frame(class_scores[_KEYS].drop_duplicates())
    tables = [
        rows.set_index(_KEYS)[["value", "low", "high"]]
        .set_axis([score, f"{score}_low", f"{score}_high"], axis="columns")
        .reindex(order)
        for score, rows in class_scores.groupby("score")
    ]
    return pd.concat(tables, axis="columns")


def classification_reports(
    class_scores: pd.DataFrame, published_scores: pd.DataFrame, names: Mapping[str, str]
) -> pd.DataFrame:
    """Classification reports of the report's two models in its form, the published ones beside.

    Args:
        class_scores: `model, label, score, value, low, high, support` at natural prevalence.
        published_scores: Report B's classification reports.
        names: the report's name of each of our models.

    Returns:
        `model, label, support`, each score with its interval, and `<score>_published`.
    """
    ours = class_scores[class_scores["model"].isin(names) & (class_scores["label"] != ALL)]
    support = ours.drop_duplicates(_KEYS).set_index(_KEYS)["support"]
    own = {theirs: name for name, theirs in names.items()}
    theirs = published_scores.assign(model=published_scores["model"].map(own)).set_index(_KEYS)
    figures = ["precision", "recall", "f1_score", "support"]
    table = scores_side_by_side(ours).assign(support=support)
    return stand_beside(table, theirs, figures).reset_index()
