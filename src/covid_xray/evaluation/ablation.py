"""Report A's experiments that score a preparation of the study with a frozen backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import pandera.pandas as pa

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.published import stand_beside
from covid_xray.evaluation.scoring import FROZEN_SCORES, score_runs, wide_scores
from covid_xray.split import Split
from covid_xray.tables import NOTE, Maybe, Text, Whole, bounded, table

_RUN = {
    "backbone": Text(description="Keras name of the frozen backbone"),
    "weights": Text(description="where its weights come from; `none` for random ones"),
    "n_train": Whole(description="training radiographs, augmented ones included"),
    "n_test": Whole(description="test radiographs"),
}
_SCORES = {
    **bounded("accuracy", "mean recall of the classes on the test split"),
    "accuracy_natural": Maybe(description="accuracy at the test split's own prevalence"),
    **bounded("f1_score", "macro F1 on the test split, every class weighing the same"),
    "f1_score_natural": Maybe(description="macro F1 at the test split's own prevalence"),
}
PUBLISHED = {
    score: {
        f"{score}_published": Maybe(description="the report's"),
        f"{score}_difference": Maybe(description="ours minus it"),
    }
    for score in FROZEN_SCORES
}
SCORED = {**_RUN, **_SCORES}
TABLE_4 = table(
    "a variant of the study",
    {
        "variant": Text(description="name of the variant (docs/decisions.md)"),
        **SCORED,
        **PUBLISHED["accuracy"],
        "note": NOTE,
    },
)
LAPLACIAN_TABLE = table(
    "a threshold of the Laplacian filter",
    {
        "threshold": pa.Column(description="least Laplacian variance that is kept; 0: no filter"),
        **SCORED,
        "note": NOTE,
    },
)


def score_frozen_runs(
    runs: pd.DataFrame,
    predictions: pd.DataFrame,
    key: str,
    names: Mapping[str, str],
    intervals: Intervals,
) -> pd.DataFrame:
    """Score the runs of an experiment on their test radiographs.

    Accuracy and macro F1 are class-balanced, as in Table 5: accuracy is then the mean recall of
    the classes. `accuracy_natural` is the share of right predictions, at the test set's prevalence.

    Args:
        runs: `run, backbone, weights, n_train, note`, and the key.
        predictions: `run, split, label, predicted`, and `probability_<class>` for each class.
        key: what sets the experiment's runs apart; runs of others have none.
        names: what tables call each backbone.
        intervals: of the scores.

    Returns:
        The key, `backbone, weights, n_train, n_test`, the scores and `note`, in the order of the
        runs. Scores are missing where a run has no test predictions.
    """
    own = runs[runs[key].notna()].reset_index(drop=True)
    tested = predictions[predictions["run"].isin(own["run"]) & (predictions["split"] == Split.TEST)]
    table = own[[key, "run", "weights", "n_train"]]
    table.insert(2, "backbone", own["backbone"].map(names))
    table["n_test"] = own["run"].map(tested["run"].value_counts()).fillna(0).astype(int)
    scores = wide_scores(score_runs(tested, intervals, keys=["run"]), FROZEN_SCORES)
    table = table.merge(scores, how="left", on="run").drop(columns="run")
    return table.assign(note=own["note"].fillna(""))


def augmentation_table(
    settings: pd.DataFrame, scored: pd.DataFrame, published: pd.DataFrame
) -> pd.DataFrame:
    """Report A's Table 3: each setting of Table 2 with the scores of its run.

    Args:
        settings: Table 2: `setting`, what it sets, and `run`, which several settings may share.
        scored: the runs' scores, by `setting`.
        published: Table 3.

    Returns:
        The settings with the scores, and the published ones for the settings of Table 3.

    Raises:
        KeyError: if a setting names a run that was not scored.
    """
    scores = scored.set_index("setting").loc[settings["run"]].set_index(settings.index)
    return _beside_published(settings.join(scores), published, "setting", list(FROZEN_SCORES))


def preprocessing_table(scored: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Report A's Table 4: scores by variant of the study, beside the published accuracy."""
    return _beside_published(scored, published, "variant", ["accuracy"])


def laplacian_table(scored: pd.DataFrame) -> pd.DataFrame:
    """Scores by threshold of the Laplacian variance, descending; 0, last, means no filter."""
    # Beside runs that have none, whole thresholds became 50.0.
    thresholds = pd.to_numeric(scored["threshold"], downcast="integer")
    table = scored.assign(threshold=thresholds)
    return table.sort_values("threshold", ascending=False, ignore_index=True)


def _beside_published(
    ours: pd.DataFrame, published: pd.DataFrame, key: str, figures: Sequence[str]
) -> pd.DataFrame:
    table = stand_beside(ours.set_index(key), published.set_index(key), figures).reset_index()
    return table[[*table.columns.drop("note"), "note"]]
