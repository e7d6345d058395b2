"""The page of tables, and the pipeline that only gathers what the others made."""

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from covid_xray.evaluation.scoring import REPORT_SCORES
from covid_xray.pipelines.reporting.nodes import write_tables
from covid_xray.pipelines.reporting.pipeline import create_pipeline

HEADINGS = [
    "## Table 1: bytes on disk per class",
    "## Table 3: augmentation settings (Table 2), scored with a frozen MobileNet",
    "## Table 4: preprocessing, scored with a frozen DenseNet201",
    "## Table 5: comparison of models",
    "## Laplacian matrix analysis: scores by threshold, with a frozen MobileNet",
    "## Figure 14: scores by the weight of COVID, with EfficientNet",
]


def scores(names, value=0.9):
    figures = {}
    for name in names:
        figures |= {name: value, f"{name}_low": value - 0.05, f"{name}_high": value + 0.05}
    return figures


def published(figures):
    return {f"{name}_published": value for name, value in figures.items()}


def table_1():
    sizes = {"mean_bytes": 2000, "median_bytes": 2000, "std_bytes": 1, "min_bytes": 1000}
    sizes |= {"max_bytes": 3000, "n_images": 2}
    known = published({**sizes, "mean_bytes": 35836.43})
    return pd.DataFrame([{"label": "COVID", **sizes, **known}])


FROZEN = {
    "backbone": "MobileNet",
    "weights": "imagenet",
    "n_train": 70,
    "n_test": 20,
    **scores(["accuracy", "f1_score"]),
}
MISSING = dict.fromkeys(scores(["accuracy", "f1_score"]), float("nan"))


def table_3():
    setting = {"images_per_class": 6000, "our_images_per_class": 4200, "n_layers": 3}
    setting |= {"factor": 0.1, "batch_size": 32, "run": "3", **FROZEN}
    theirs = published({"accuracy": 0.82, "f1_score": 0.81})
    unknown = dict.fromkeys(theirs, float("nan"))
    masks = {"setting": "masks", **setting, "run": "masks", **MISSING, **unknown}
    return pd.DataFrame(
        [
            {"setting": "3", **setting, **theirs, "note": "scaled down"},
            {"setting": "5", **setting, **unknown, "note": "scaled down"},
            masks | {"n_layers": float("nan"), "n_train": 0, "n_test": 0, "note": "no masks"},
        ]
    )


def table_4(backbone="DenseNet201"):
    theirs = published({"accuracy": 0.89})
    # An empty note as a CSV file gives it back.
    row = {"variant": "balanced", **FROZEN, **theirs, "note": float("nan")}
    return pd.DataFrame([row | {"backbone": backbone}])


def table_5(weights="imagenet"):
    model = {"backbone": "MobileNet", "covid_weight": 2.0, "weights": weights, "n_train": 70}
    model |= {"n_test": 20, **scores(REPORT_SCORES), "trainable_params": 2_659_076}
    theirs = published(dict.fromkeys(REPORT_SCORES, 0.987) | {"trainable_params": 2_659_076})
    return pd.DataFrame([model | theirs])


def laplacian():
    return pd.DataFrame(
        [
            {"threshold": 50, **FROZEN, **MISSING, "note": "too few"},
            {"threshold": 0, **FROZEN, "note": ""},
        ]
    )


def class_weights():
    return pd.DataFrame(
        [{"backbone": "EfficientNet", "covid_weight": 3, **scores(REPORT_SCORES, 0.8)}]
    )


def page(weights="imagenet", backbone="DenseNet201"):
    return write_tables(
        table_1(), table_3(), table_4(backbone), table_5(weights), laplacian(), class_weights()
    )  # fmt: skip


def section(text, heading):
    return text.split(heading)[1].split("\n## ")[0]


def test_the_page_has_every_table_under_its_heading():
    lines = page().splitlines()
    assert [line for line in lines if line.startswith("## ")] == HEADINGS


def test_figures_stand_with_the_published_ones_in_brackets():
    text = page()
    assert "| COVID | 2,000.00 (35,836.43) |" in text
    assert "2,659,076 (2,659,076)" in text
    assert "| MobileNet | 2 | imagenet | 70 | 20 | 90.0% [85.0-95.0] (98.7%) |" in text
    both = "90.0% [85.0-95.0] (82.0%) | 90.0% [85.0-95.0] (81.0%)"
    assert f"| 3 | 6000 | 4200 | 3 | 0.1 | 32 | 3 | 70 | 20 | {both} |" in text
    assert "| balanced | 70 | 20 | 90.0% [85.0-95.0] (89.0%) | 90.0% [85.0-95.0] |" in text
    assert "| 0 | 70 | 20 | 90.0% [85.0-95.0] | 90.0% [85.0-95.0] |" in text
    assert "| 3 | 80.0% [75.0-85.0] |" in section(text, HEADINGS[5])


def test_what_is_missing_is_not_a_number_on_the_page():
    text = page()
    assert "| masks | 6000 | 4200 |  | 0.1 | 32 | masks | 0 | 0 | n/a | n/a |" in text
    assert "| 50 | 70 | 20 | n/a | n/a |" in text
    assert "nan" not in text


def test_notes_stand_once_below_their_table():
    text = page()
    assert (
        section(text, HEADINGS[1])
        .rstrip()
        .endswith("|\n\n- setting 3, 5: scaled down\n- setting masks: no masks")
    )
    assert section(text, HEADINGS[4]).rstrip().endswith("|\n\n- threshold 50: too few")
    assert "- variant" not in text


@pytest.mark.parametrize(
    ("backbone", "warned"), [("DenseNet201", False), ("densenet201", False), ("MobileNet", True)]
)
def test_table_4_says_when_its_backbone_is_not_the_reports(backbone, warned):
    text = page(backbone=backbone)
    assert f"scored with a frozen {backbone}\n" in text
    assert (f"scored this table with DenseNet201, not {backbone}" in text) == warned


@pytest.mark.parametrize(("weights", "warned"), [("none", True), ("imagenet", False)])
def test_the_page_warns_of_random_weights(weights, warned):
    assert ("random weights" in page(weights)) == warned


def test_the_pipeline_reads_tables_and_writes_the_page():
    given = {
        "table_1": table_1(),
        "table_3": table_3(),
        "table_4": table_4(),
        "table_5": table_5(),
        "laplacian_table": laplacian(),
        "figure_14_scores": class_weights(),
    }
    pipeline = create_pipeline()
    assert pipeline.inputs() == set(given)
    datasets = {name: MemoryDataset(frame) for name, frame in given.items()}
    made = SequentialRunner().run(pipeline, DataCatalog(datasets))
    assert made["tables"].load() == page()
