"""The tables as one readable page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from covid_xray.evaluation.markdown import markdown_table
from covid_xray.evaluation.scoring import FROZEN_SCORES, REPORT_SCORES

SIZE_FORMATS = {
    "mean_bytes": ",.2f",
    "median_bytes": ",.1f",
    "std_bytes": ",.2f",
    "min_bytes": ",.0f",
    "max_bytes": ",.0f",
    "n_images": ",.0f",
}
REPORT_FORMATS = dict.fromkeys(REPORT_SCORES, ".1%")
MODEL_FORMATS = REPORT_FORMATS | {"trainable_params": ",.0f"}
FROZEN_FORMATS = dict.fromkeys(FROZEN_SCORES, ".1%")
SETTING_COLUMNS = [
    "setting",
    "images_per_class",
    "our_images_per_class",
    "n_layers",
    "factor",
    "batch_size",
    "run",
]
MODEL_COLUMNS = ["backbone", "covid_weight", "weights", "n_train", "n_test"]
TABLE_4_BACKBONE = "DenseNet201"
NO_WEIGHTS_NOTE = (
    'Models with weights "none" stand on frozen layers of random weights: they show that '
    "everything runs, and their scores mean nothing else."
)
SCORES_NOTE = (
    "Scores on the held-out test radiographs, every class weighing the same, with bootstrap "
    "intervals."
)
FROZEN_NOTE = f"{SCORES_NOTE} Accuracy is the mean recall of the classes; F1 is macro."


def render_tables(
    table_1: pd.DataFrame,
    table_3: pd.DataFrame,
    table_4: pd.DataFrame,
    table_5: pd.DataFrame,
    laplacian: pd.DataFrame,
    class_weights: pd.DataFrame,
) -> str:
    """The tables as Markdown, each figure with the published one in brackets.

    Args:
        table_1: file sizes.
        table_3: augmentation settings, scored.
        table_4: variants of the study, scored.
        table_5: comparison of models.
        laplacian: thresholds of the Laplacian filter, scored.
        class_weights: Figure 14's scores.
    """
    weights = pd.concat([table["weights"] for table in (table_3, table_4, table_5)])
    parts = [
        "# Tables of Report A: ours, and in brackets the published figures",
        *([NO_WEIGHTS_NOTE] if (weights == "none").any() else []),
        *_render_table_1(table_1),
        *_render_table_3(table_3),
        *_render_table_4(table_4),
        *_render_table_5(table_5),
        *_render_laplacian(laplacian),
        *_render_class_weights(class_weights),
    ]
    return "\n\n".join(parts) + "\n"


def _render_table_1(table: pd.DataFrame) -> list[str]:
    return ["## Table 1: bytes on disk per class", _markdown(table, ["label"], SIZE_FORMATS)]


def _render_table_3(table: pd.DataFrame) -> list[str]:
    return [
        f"## Table 3: augmentation settings (Table 2), scored with a frozen {_backbone(table)}",
        f"{FROZEN_NOTE} `images_per_class` is the report's, `our_images_per_class` the same scaled "
        "to this study; settings with one `run` are the same setting.",
        _markdown(table, [*SETTING_COLUMNS, "n_train", "n_test"], FROZEN_FORMATS),
        *_notes(table, "setting"),
    ]


def _render_table_4(table: pd.DataFrame) -> list[str]:
    backbone = _backbone(table)
    parts = [f"## Table 4: preprocessing, scored with a frozen {backbone}", FROZEN_NOTE]
    if backbone.casefold() != TABLE_4_BACKBONE.casefold():
        parts.append(
            f"The report scored this table with {TABLE_4_BACKBONE}, not {backbone}: differences "
            "from the published figures are partly the backbone's."
        )
    cells = _markdown(table, ["variant", "n_train", "n_test"], FROZEN_FORMATS)
    return [*parts, cells, *_notes(table, "variant")]


def _render_table_5(table: pd.DataFrame) -> list[str]:
    return [
        "## Table 5: comparison of models",
        SCORES_NOTE,
        _markdown(table, MODEL_COLUMNS, MODEL_FORMATS),
    ]


def _render_laplacian(table: pd.DataFrame) -> list[str]:
    return [
        f"## Laplacian matrix analysis: scores by threshold, with a frozen {_backbone(table)}",
        f"{FROZEN_NOTE} `threshold` is the least Laplacian variance that is kept; 0 means no "
        "filter.",
        _markdown(table, ["threshold", "n_train", "n_test"], FROZEN_FORMATS),
        *_notes(table, "threshold"),
    ]


def _render_class_weights(table: pd.DataFrame) -> list[str]:
    return [
        f"## Figure 14: scores by the weight of COVID, with {_backbone(table)}",
        SCORES_NOTE,
        _markdown(table, ["covid_weight"], REPORT_FORMATS),
    ]


def _backbone(table: pd.DataFrame) -> str:
    return str(table["backbone"].iloc[0])


def _markdown(table: pd.DataFrame, keys: Sequence[str], figures: Mapping[str, str]) -> str:
    rows = [row for _, row in table.iterrows()]
    cells = {key: [_key(value) for value in table[key]] for key in keys} | {
        figure: [_cell(row, figure, form) for row in rows] for figure, form in figures.items()
    }
    return markdown_table(pd.DataFrame(cells, dtype="str"))


def _key(value: Any) -> str:
    if pd.isna(value):
        return ""
    # Whole numbers stay whole where a missing value made the column one of floats.
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _cell(row: pd.Series, figure: str, form: str) -> str:
    text = "n/a" if pd.isna(row[figure]) else format(row[figure], form)
    if not pd.isna(row.get(f"{figure}_low")):
        text += f" [{row[f'{figure}_low'] * 100:.1f}-{row[f'{figure}_high'] * 100:.1f}]"
    published = row.get(f"{figure}_published")
    return text if pd.isna(published) else f"{text} ({format(published, form)})"


def _notes(table: pd.DataFrame, key: str) -> list[str]:
    """The rows' notes as one list, each note once."""
    noted = table.dropna(subset="note")
    noted = noted[noted["note"] != ""]
    lines = [
        f"- {key} {', '.join(_key(name) for name in names)}: {note}"
        for note, names in noted.groupby("note", sort=False)[key]
    ]
    return ["\n".join(lines)] if lines else []
