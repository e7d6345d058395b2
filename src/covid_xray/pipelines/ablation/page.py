"""The page of the pipeline."""

from __future__ import annotations

from typing import Any

import pandas as pd

from covid_xray.evaluation.overfitting import SYMPTOMS, overfitting_table
from covid_xray.evaluation.scoring import FROZEN_SCORES
from covid_xray.pages import (
    AS_IT_IS,
    NO_WEIGHTS_NOTE,
    SCORES_NOTE,
    figures,
    notes,
    page,
    section,
    table,
)

TABLE_4_BACKBONE = "DenseNet201"
_FROZEN_NOTE = f"{SCORES_NOTE} Accuracy is the mean recall of the classes; F1 is macro."


def write_ablation_page(
    table_2: pd.DataFrame,
    table_3: pd.DataFrame,
    table_4: pd.DataFrame,
    laplacian_table: pd.DataFrame,
    laplacian_scores_figure: Any,
    augmentation_histories: pd.DataFrame,
    preprocessing_histories: pd.DataFrame,
) -> str:
    """Tables 2 to 4 and the Laplacian sweep as one page."""
    weights = pd.concat([frame["weights"] for frame in (table_3, table_4, laplacian_table)])
    return page(
        "Ablation: what augmentation, filters and masks are worth to a frozen backbone",
        NO_WEIGHTS_NOTE if (weights == "none").any() else "",
        section(
            "Table 2: augmentation settings",
            "`images_per_class` is the report's, `our_images_per_class` the same scaled to this "
            "study; settings with one `run` are the same setting.",
            table(table_2, dict.fromkeys(table_2.columns, AS_IT_IS)),
        ),
        section(
            f"Table 3: augmentation settings, scored with a frozen {_backbone(table_3)}",
            *_scores(table_3, "setting"),
        ),
        section(
            f"Table 4: preprocessing, scored with a frozen {_backbone(table_4)}",
            _other_backbone(_backbone(table_4)),
            *_scores(table_4, "variant"),
        ),
        section(
            "Laplacian matrix analysis: scores by threshold, with a frozen "
            + _backbone(laplacian_table),
            "`threshold` is the least Laplacian variance that is kept; 0 means no filter.",
            *_scores(laplacian_table, "threshold"),
            figures({"laplacian_scores_figure": laplacian_scores_figure}),
        ),
        section(
            "How the heads learnt",
            _symptoms(pd.concat([augmentation_histories, preprocessing_histories])),
        ),
    )


def _scores(frame: pd.DataFrame, key: str) -> tuple[str, str, str]:
    texts = dict.fromkeys((key, "n_train", "n_test"), AS_IT_IS)
    cells = table(frame, texts | dict.fromkeys(FROZEN_SCORES, ".1%"))
    return _FROZEN_NOTE, cells, notes(frame, key)


def _symptoms(histories: pd.DataFrame) -> str:
    by_run = {str(run): own for run, own in histories.groupby("run", sort=False)}
    found = overfitting_table(by_run).rename(columns={"model": "run"})
    return table(found, dict.fromkeys(("run", "n_epochs", "best_epoch", *SYMPTOMS), AS_IT_IS))


def _backbone(frame: pd.DataFrame) -> str:
    return str(frame["backbone"].iloc[0])


def _other_backbone(backbone: str) -> str:
    if backbone == TABLE_4_BACKBONE:
        return ""
    return (
        f"The report scored this table with {TABLE_4_BACKBONE}, not {backbone}: differences from "
        "the published figures are partly the backbone's."
    )
