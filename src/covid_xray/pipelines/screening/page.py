"""Report B's results as one readable page, the published figures in brackets."""

from __future__ import annotations

from typing import Any

import pandas as pd

from covid_xray.evaluation.markdown import markdown_table
from covid_xray.evaluation.scoring import ALL
from covid_xray.pipelines.screening.grid import COVID, NAIVE, PUBLISHED, TITLES
from covid_xray.pipelines.screening.questions import rest_of

_HEADINGS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "recall": "COVID recall",
    "precision": "COVID precision",
    "f1_score": "COVID F1",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
}
_REPORT_SCORES = ("precision", "recall", "f1_score")
_NO_WEIGHTS = (
    "Xception stands on random weights (`weights: none`): its scores, and those of what is built "
    "on it, show that everything runs, and mean nothing else."
)


def write_screening_page(
    comparison: pd.DataFrame,
    reports: pd.DataFrame,
    confusion: pd.DataFrame,
    class_scores: pd.DataFrame,
    operating_points: pd.DataFrame,
    gaze: pd.DataFrame,
    published_confusion: pd.DataFrame,
    xception_summary: dict[str, Any],
) -> str:
    """All tables of the pipeline as Markdown."""
    parts = [
        "# Report B: COVID against the rest",
        "Ours, with bootstrap intervals, and in brackets the published figures. All models are "
        "scored on the same held-out test radiographs, at their own prevalence as in the report.",
        *([_NO_WEIGHTS] if xception_summary["weights"] == "none" else []),
        *_comparison(comparison),
        *_reports(reports, confusion, published_confusion),
        *_operating_points(operating_points),
        *_gaze(gaze),
        *_four_classes(class_scores),
    ]
    return "\n\n".join(parts) + "\n"


def _comparison(table: pd.DataFrame) -> list[str]:
    rows = table.to_dict("records")
    cells = {"model": [str(row["title"]) for row in rows]}
    cells |= {heading: [_share(row, score) for row in rows] for score, heading in _HEADINGS.items()}
    cells |= {
        "parameters": [f"{row['parameters']:,}" for row in rows],
        "file, MB": [_with(f"{row['file_megabytes']:.1f}", row, "file_megabytes") for row in rows],
        "CPU, ms per image": [f"{row['ms_per_image']:.1f}" for row in rows],
    }
    n_test, n_positive = rows[0]["n_test"], rows[0]["n_positive"]
    return [
        "## Comparison",
        f"{n_test} test radiographs, {n_positive} of them COVID. Parameters, file size and time "
        "are those of the whole system: the U-Net, lung cleaning and equalisation included, but "
        "for the naive CNN, which needs none. Times are of the machine that ran this.",
        markdown_table(pd.DataFrame(cells)),
    ]


def _share(row: dict[Any, Any], score: str) -> str:
    if pd.isna(row[score]):
        return "n/a"
    low, high = (100 * row[f"{score}_{end}"] for end in ("low", "high"))
    return _with(f"{row[score]:.1%} [{low:.1f}-{high:.1f}]", row, score)


def _with(text: str, row: dict[Any, Any], figure: str) -> str:
    published = row.get(f"{figure}_published")
    if published is None or pd.isna(published):
        return text
    form = ".1f" if figure == "file_megabytes" else ".4g" if figure == "support" else ".1%"
    return f"{text} ({published:{form}})"


def _reports(
    reports: pd.DataFrame, confusion: pd.DataFrame, published_confusion: pd.DataFrame
) -> list[str]:
    parts = ["## Classification reports"]
    for name, theirs in PUBLISHED.items():
        rows = reports[reports["model"] == name].to_dict("records")
        cells = {"class": [str(row["label"]) for row in rows]}
        cells |= {score: [_share(row, score) for row in rows] for score in _REPORT_SCORES}
        cells["support"] = [_with(f"{row['support']:,}", row, "support") for row in rows]
        published = published_confusion[published_confusion["model"] == theirs]
        parts += [
            f"### {TITLES[name]}",
            markdown_table(pd.DataFrame(cells)),
            "Confusion matrix, in radiographs:",
            _confusion(confusion[confusion["model"] == name], published),
        ]
    return parts


def _confusion(table: pd.DataFrame, published: pd.DataFrame) -> str:
    counts = {(row["label"], row["predicted"]): row["count"] for row in table.to_dict("records")}
    theirs = published.set_index("true_label")
    classes = {COVID: "predicted_covid", rest_of(COVID): "predicted_non_covid"}
    cells = {"true class": list(classes)}
    for predicted, column in classes.items():
        cells[f"predicted {predicted}"] = [
            _with_count(counts[true, predicted], theirs[column][true]) for true in classes
        ]
    return markdown_table(pd.DataFrame(cells))


def _with_count(ours: int, published: float) -> str:
    return f"{ours:,} ({'illegible' if pd.isna(published) else f'{published:,.0f}'})"


def _operating_points(table: pd.DataFrame) -> list[str]:
    rows = table.to_dict("records")
    wanted = rows[0]["wanted_sensitivity"]
    cells = {
        "model": [TITLES[row["model"]] for row in rows],
        "threshold": [f"{row['threshold']:.3f}" for row in rows],
        "sensitivity, validation": [f"{row['validation_sensitivity']:.1%}" for row in rows],
        "sensitivity, test": [_share(row, "sensitivity") for row in rows],
        "specificity, test": [_share(row, "specificity") for row in rows],
    }
    return [
        "## Operating point",
        f"The highest threshold on the probability of COVID that finds {wanted:.0%} of the "
        f"{rows[0]['n_validation_positive']} COVID radiographs of validation, and what it does "
        "on test.",
        markdown_table(pd.DataFrame(cells)),
    ]


def _gaze(table: pd.DataFrame) -> list[str]:
    rows = table.to_dict("records")
    cells = {
        "model": [TITLES[row["model"]] for row in rows],
        "class": ["all" if row["label"] == ALL else str(row["label"]) for row in rows],
        "Grad-CAM mass inside the lungs": [_share(row, "mass_inside") for row in rows],
        "lungs' area": [f"{row['lung_area']:.1%}" for row in rows],
        "ratio": [f"{row['ratio']:.2f}" for row in rows],
        "radiographs": [str(row["n"]) for row in rows],
        "without evidence": [str(row["n_without_evidence"]) for row in rows],
    }
    return [
        "## Gaze",
        "Share of the evidence for the predicted class that lies inside the lungs; a gaze that "
        f"looks everywhere alike has ratio 1. {TITLES[NAIVE]} sees whole radiographs, the others "
        "nothing but lungs.",
        markdown_table(pd.DataFrame(cells)),
    ]


def _class_score(rows: pd.DataFrame, score: str) -> str:
    found = rows[rows["score"] == score].to_dict("records")
    if not found:
        return ""
    renamed = {"value": score, "low": f"{score}_low", "high": f"{score}_high"}
    return _share({name: found[0][key] for key, name in renamed.items()}, score)


def _four_classes(class_scores: pd.DataFrame) -> list[str]:
    groups = list(class_scores.groupby(["model", "label"], sort=False))
    cells: dict[str, list[str]] = {
        "model": [TITLES[str(model)] for (model, _), _ in groups],
        "class": [str(label) for (_, label), _ in groups],
    }
    for score in ("accuracy", *_REPORT_SCORES):
        cells[score] = [_class_score(rows, score) for _, rows in groups]
    return [
        "## Four classes",
        "The same architecture asked for all classes at once, and the vote of four models of one "
        "class against the rest.",
        markdown_table(pd.DataFrame(cells)),
    ]
