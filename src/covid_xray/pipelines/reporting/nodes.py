"""Nodes of the pipeline: they read catalogued datasets only."""

from __future__ import annotations

import pandas as pd

from covid_xray.evaluation.scoring import FROZEN_SCORES, REPORT_SCORES
from covid_xray.pages import AS_IT_IS, NO_WEIGHTS_NOTE, SCORES_NOTE, notes, page, section, table

SIZE_FORMS = {
    "mean_bytes": ",.2f",
    "median_bytes": ",.1f",
    "std_bytes": ",.2f",
    "min_bytes": ",.0f",
    "max_bytes": ",.0f",
    "n_images": ",.0f",
}
SETTING = (
    "setting",
    "images_per_class",
    "our_images_per_class",
    "n_layers",
    "factor",
    "batch_size",
    "run",
)
TABLE_4_BACKBONE = "DenseNet201"
FROZEN_NOTE = f"{SCORES_NOTE} Accuracy is the mean recall of the classes; F1 is macro."


def write_tables(
    table_1: pd.DataFrame,
    table_3: pd.DataFrame,
    table_4: pd.DataFrame,
    table_5: pd.DataFrame,
    laplacian_table: pd.DataFrame,
    figure_14_scores: pd.DataFrame,
) -> str:
    """The tables of Report A as one page, each figure with the published one in brackets."""
    weights = pd.concat([frame["weights"] for frame in (table_3, table_4, table_5)])
    return page(
        "Tables of Report A: ours, and in brackets the published figures",
        NO_WEIGHTS_NOTE if (weights == "none").any() else "",
        section("Table 1: bytes on disk per class", table(table_1, _texts("label") | SIZE_FORMS)),
        section(
            "Table 3: augmentation settings (Table 2), scored with a frozen " + _backbone(table_3),
            f"{FROZEN_NOTE} `images_per_class` is the report's, `our_images_per_class` the same "
            "scaled to this study; settings with one `run` are the same setting.",
            _frozen(table_3, *SETTING),
        ),
        section(
            f"Table 4: preprocessing, scored with a frozen {_backbone(table_4)}",
            FROZEN_NOTE,
            _other_backbone(_backbone(table_4)),
            _frozen(table_4, "variant"),
        ),
        section(
            "Table 5: comparison of models",
            SCORES_NOTE,
            table(
                table_5,
                _texts("backbone", "covid_weight", "weights", "n_train", "n_test")
                | _shares(REPORT_SCORES)
                | {"trainable_params": ",.0f"},
            ),
        ),
        section(
            "Laplacian matrix analysis: scores by threshold, with a frozen "
            + _backbone(laplacian_table),
            f"{FROZEN_NOTE} `threshold` is the least Laplacian variance that is kept; 0 means no "
            "filter.",
            _frozen(laplacian_table, "threshold"),
        ),
        section(
            f"Figure 14: scores by the weight of COVID, with {_backbone(figure_14_scores)}",
            SCORES_NOTE,
            table(figure_14_scores, _texts("covid_weight") | _shares(REPORT_SCORES)),
        ),
    )


def _frozen(frame: pd.DataFrame, *names: str) -> str:
    cells = table(frame, _texts(*names, "n_train", "n_test") | _shares(FROZEN_SCORES))
    return "\n\n".join(filter(None, [cells, notes(frame, names[0])]))


def _other_backbone(backbone: str) -> str:
    if backbone.casefold() == TABLE_4_BACKBONE.casefold():
        return ""
    return (
        f"The report scored this table with {TABLE_4_BACKBONE}, not {backbone}: differences from "
        "the published figures are partly the backbone's."
    )


def _texts(*columns: str) -> dict[str, str]:
    return dict.fromkeys(columns, AS_IT_IS)


def _shares(scores: object) -> dict[str, str]:
    return dict.fromkeys(scores, ".1%")  # type: ignore[call-overload, no-any-return]


def _backbone(frame: pd.DataFrame) -> str:
    return str(frame["backbone"].iloc[0])
