"""The page of the pipeline: Report B's results, the published figures in brackets."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd

from covid_xray.absence import NotMade
from covid_xray.evaluation.overfitting import SYMPTOMS
from covid_xray.evaluation.scoring import COVID
from covid_xray.evaluation.screening_comparison import scores_side_by_side
from covid_xray.evaluation.screening_scores import SCREENING_SCORES
from covid_xray.models.screening import NAIVE, PUBLISHED, TITLES
from covid_xray.pages import AS_IT_IS, figures, notes, page, section, table, where_made
from covid_xray.studies.questions import rest_of

# A table, or why there is none.
Made: TypeAlias = pd.DataFrame | NotMade

_REPORT = dict.fromkeys(("precision", "recall", "f1_score"), ".1%")
_COVID_HEADINGS = {
    "title": "model",
    "balanced_accuracy": "balanced accuracy",
    "recall": "COVID recall",
    "precision": "COVID precision",
    "f1_score": "COVID F1",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "file_megabytes": "file, MB",
    "ms_per_image": "CPU, ms per image",
}
_COSTS = {"parameters": ",.0f", "file_megabytes": ".1f", "ms_per_image": ".1f"}
_NO_WEIGHTS = (
    "Xception stands on random weights (`weights: none`): its scores, and those of what is built "
    "on it, show that everything runs, and mean nothing else."
)


def write_screening_page(
    screening_runs: pd.DataFrame,
    screening_comparison: Made,
    screening_reports: Made,
    screening_confusion: Made,
    screening_overfitting: Made,
    published_screening_confusion: pd.DataFrame,
    operating_points: Made,
    lung_attribution: Made,
    all_classes_scores: Made,
    all_classes_confusion: Made,
    class_proportions: pd.DataFrame,
    **named: Any,
) -> str:
    """All tables of the pipeline, and its figures (`**named`, by dataset name), as one page."""
    weights = screening_runs.loc[screening_runs["run"] == "xception", "weights"]
    reports = (screening_reports, screening_confusion, published_screening_confusion)
    shown = _Figures(named)
    return page(
        "Report B: COVID against the rest",
        "Ours, with 95 % intervals, and in brackets the published figures. All models are "
        "scored on the same held-out test radiographs, at their own prevalence as in the report.",
        _NO_WEIGHTS if (weights == "none").any() else "",
        section("Radiographs and classes", *_preparation(class_proportions, shown)),
        section("Networks", *_networks(screening_runs)),
        section("Comparison", *where_made(_comparison, screening_comparison, shown)),
        section("Classification reports", *where_made(_reports, *reports)),
        section("Operating point", *where_made(_operating_points, operating_points, shown)),
        section("Lung attribution", *where_made(_lung_attribution, lung_attribution, shown)),
        section(
            "All classes",
            *where_made(_all_classes, all_classes_scores, all_classes_confusion, shown),
        ),
        section("Training", *where_made(_training, screening_overfitting, shown)),
    )


class _Figures:
    """Figures by name, for the sections that show them."""

    def __init__(self, named: dict[str, Any]) -> None:
        self._named = named

    def __call__(self, *names: str) -> str:
        return figures({name: self._named[name] for name in names})


def _preparation(proportions: pd.DataFrame, shown: _Figures) -> tuple[str, ...]:
    columns = dict.fromkeys(("question", "sampling", "label", "n_radiographs"), AS_IT_IS)
    return (
        table(proportions, columns | {"share": ".1%"}, {"n_radiographs": "radiographs"}),
        shown("class_proportions_figure", "grey_levels_figure", "masked_examples_figure"),
    )


def _networks(runs: pd.DataFrame) -> tuple[str, ...]:
    forms = dict.fromkeys(("run", "target", "weights", "n_train", "best_epoch"), AS_IT_IS)
    headings = {"target": "told from the rest", "n_train": "training radiographs"}
    return table(runs, forms | {"trainable_params": ",.0f"}, headings), notes(runs, "run")


def _comparison(comparison: pd.DataFrame, shown: _Figures) -> tuple[str, ...]:
    n_test, n_positive = comparison[["n_test", "n_positive"]].dropna().iloc[0]
    forms = {"title": AS_IT_IS, **dict.fromkeys(SCREENING_SCORES, ".1%"), **_COSTS}
    given = comparison[comparison["n_test"].notna()]
    return (
        f"{n_test} test radiographs, {n_positive} of them {COVID}. Parameters, file size and time "
        "are those of the whole system: the U-Net, lung cleaning and equalisation included, but "
        "for the naive CNN, which needs none. Times are of the machine that ran this.",
        table(given, forms, _COVID_HEADINGS),
        notes(comparison.assign(model=comparison["title"]), "model"),
        shown("screening_confusion_matrices", "screening_confidence"),
    )


def _reports(
    reports: pd.DataFrame, confusion: pd.DataFrame, published: pd.DataFrame
) -> tuple[str, ...]:
    forms = {"label": AS_IT_IS, **_REPORT, "support": ",.0f"}
    given = {ours: theirs for ours, theirs in PUBLISHED.items() if (reports["model"] == ours).any()}
    return tuple(
        section(
            TITLES[name],
            table(reports[reports["model"] == name], forms, {"label": "class"}),
            "Confusion matrix, in radiographs:",
            _confusion(
                confusion[confusion["model"] == name], published[published["model"] == theirs]
            ),
            level=3,
        )
        for name, theirs in given.items()
    )


def _confusion(ours: pd.DataFrame, published: pd.DataFrame) -> str:
    counts = ours.set_index(["label", "predicted"])["count"]
    theirs = published.set_index("true_label")
    columns = {COVID: "predicted_covid", rest_of(COVID): "predicted_non_covid"}
    rows = [
        {"true class": true}
        | {
            f"predicted {label}": _beside(counts[true, label], theirs[column][true])
            for label, column in columns.items()
        }
        for true in columns
    ]
    frame = pd.DataFrame(rows)
    return table(frame, dict.fromkeys(rows[0], AS_IT_IS))


def _beside(ours: int, published: float) -> str:
    return f"{ours:,} ({'illegible' if pd.isna(published) else f'{published:,.0f}'})"


def _operating_points(points: pd.DataFrame, shown: _Figures) -> tuple[str, ...]:
    first = points.iloc[0]
    forms = {
        "model": AS_IT_IS,
        "threshold": ".3f",
        **dict.fromkeys(("validation_sensitivity", "sensitivity", "specificity"), ".1%"),
    }
    headings = {
        "validation_sensitivity": "sensitivity, validation",
        "sensitivity": "sensitivity, test",
        "specificity": "specificity, test",
    }
    return (
        f"The highest threshold on the probability of {COVID} that finds "
        f"{first['wanted_sensitivity']:.0%} of the {first['n_validation_positive']} {COVID} "
        "radiographs of validation, and what it does on test.",
        table(_titled(points), forms, headings),
        shown("screening_curves"),
    )


def _lung_attribution(attribution: pd.DataFrame, shown: _Figures) -> tuple[str, ...]:
    forms = {
        "model": AS_IT_IS,
        "label": AS_IT_IS,
        "mass_inside": ".1%",
        "lung_area": ".1%",
        "ratio": ".2f",
        "n": AS_IT_IS,
        "n_without_evidence": AS_IT_IS,
    }
    headings = {
        "label": "class",
        "mass_inside": "Grad-CAM mass inside the lungs",
        "lung_area": "lungs' area",
        "n": "radiographs",
        "n_without_evidence": "without evidence",
    }
    return (
        "Share of the evidence for the predicted class that lies inside the lungs; evidence that "
        f"is everywhere alike has ratio 1. {TITLES[NAIVE]} sees whole radiographs, the others "
        "nothing but lungs.",
        table(_titled(attribution), forms, headings),
        shown("lung_attribution_figure", "screening_grad_cam"),
    )


def _all_classes(scores: pd.DataFrame, confusion: pd.DataFrame, shown: _Figures) -> tuple[str, ...]:
    forms = dict.fromkeys(("model", "label"), AS_IT_IS) | {"accuracy": ".1%"} | _REPORT
    taken_for = dict.fromkeys(("model", "label", "predicted", "count"), AS_IT_IS)
    return (
        "The same architecture asked for all classes at once, and the vote of models of one class "
        "against the rest.",
        table(_titled(scores_side_by_side(scores).reset_index()), forms, {"label": "class"}),
        table(_titled(confusion), taken_for | {"share": ".1%"}, {"label": "class"}),
        shown("all_classes_confusion_matrices", "all_classes_confidence"),
    )


def _training(overfitting: pd.DataFrame, shown: _Figures) -> tuple[str, ...]:
    forms = dict.fromkeys(("model", "n_epochs", *SYMPTOMS, "note"), AS_IT_IS)
    return table(overfitting, forms), shown("screening_learning_curves")


def _titled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(model=frame["model"].map(TITLES))
