"""The page of `ablation`: Tables 2 to 4 and the sweep beside the published, notes, warnings."""

import pandas as pd
import pytest

from covid_xray.pipelines.ablation.page import write_ablation_page


def scores(names, value=0.9):
    figures = {}
    for name in names:
        figures |= {name: value, f"{name}_low": value - 0.05, f"{name}_high": value + 0.05}
    return figures


def published(figures):
    return {f"{name}_published": value for name, value in figures.items()}


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


def laplacian():
    return pd.DataFrame(
        [
            {"threshold": 50, **FROZEN, **MISSING, "note": "too few"},
            {"threshold": 0, **FROZEN, "note": ""},
        ]
    )


def histories():
    epochs = {"loss": [1.0, 0.5], "accuracy": [0.5, 0.8], "val_loss": [1.0, 0.6]}
    table = pd.DataFrame({"epoch": [0, 1], **epochs, "val_accuracy": [0.5, 0.7]})
    return table.assign(backbone="mobilenet", run="3")


def page(weights="imagenet", backbone="DenseNet201"):
    third = table_3().assign(weights=weights)
    return write_ablation_page(
        third[["setting", "images_per_class", "our_images_per_class", "n_layers", "run"]],
        third,
        table_4(backbone),
        laplacian(),
        object(),
        histories(),
        histories().assign(run="balanced"),
    )


def section(text, heading):
    return text.split(f"## {heading}")[1].split("\n## ")[0].rstrip()


def test_every_table_stands_under_its_heading():
    headings = [line[3:] for line in page().splitlines() if line.startswith("## ")]
    assert headings == [
        "Table 2: augmentation settings",
        "Table 3: augmentation settings, scored with a frozen MobileNet",
        "Table 4: preprocessing, scored with a frozen DenseNet201",
        "Laplacian matrix analysis: scores by threshold, with a frozen MobileNet",
        "How the heads learnt",
    ]


def test_figures_stand_with_the_published_in_brackets():
    text = page()
    assert "| 3 | 6000 | 4200 | 3 | 3 |" in section(text, "Table 2")
    both = "90.0% [85.0-95.0] (82.0%) | 90.0% [85.0-95.0] (81.0%)"
    assert f"| 3 | 70 | 20 | {both} |" in section(text, "Table 3")
    assert "| balanced | 70 | 20 | 90.0% [85.0-95.0] (89.0%) | 90.0% [85.0-95.0] |" in text
    assert "| 0 | 70 | 20 | 90.0% [85.0-95.0] | 90.0% [85.0-95.0] |" in text


def test_what_is_missing_is_not_a_number():
    text = page()
    assert "| masks | 6000 | 4200 |  | masks |" in section(text, "Table 2")
    assert "| masks | 0 | 0 | n/a | n/a |" in section(text, "Table 3")
    assert "| 50 | 70 | 20 | n/a | n/a |" in text
    assert "nan" not in text


def test_notes_stand_once_below_their_table():
    text = page()
    below = "|\n\n- setting 3, 5: scaled down\n- setting masks: no masks"
    assert section(text, "Table 3").endswith(below)
    assert "|\n\n- threshold 50: too few" in section(text, "Laplacian")
    assert "- variant" not in text


@pytest.mark.parametrize(("backbone", "warned"), [("DenseNet201", False), ("MobileNet", True)])
def test_table_4_says_when_its_backbone_is_not_the_reports(backbone, warned):
    text = page(backbone=backbone)
    assert f"scored with a frozen {backbone}\n" in text
    assert (f"scored this table with DenseNet201, not {backbone}" in text) == warned


@pytest.mark.parametrize(("weights", "warned"), [("none", True), ("imagenet", False)])
def test_the_page_warns_of_random_weights(weights, warned):
    assert ("random weights" in page(weights)) == warned
