"""The study's page and summary, and what of a phantom study's planted truth was found."""

import re

import pandas as pd
import pytest
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from covid_xray.absence import CannotMakeError, NotMade
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.model_comparison import best_on_validation
from covid_xray.evaluation.planted import DEMO_TRUTH, find_copies, find_flaws
from covid_xray.pages import page, section
from covid_xray.pipelines.reporting.nodes import write_study_page, write_study_summary
from covid_xray.pipelines.reporting.pipeline import create_pipeline
from covid_xray.studies.parameters import SplittingParameters
from support.project import ROOT

MODELING = page("Modeling", section("Table 5: comparison", "words"), section("Figure 14", "#3"))
NO_TRUTH = pd.DataFrame(columns=list(DEMO_TRUTH.columns))
INTERVALS = Intervals(n_resamples=100, confidence=0.95, seed=1)
LISTED = "## [Modeling](modeling_page.md)\n\n- Table 5: comparison\n- Figure 14"


def test_the_index_links_each_page_with_its_sections():
    index = write_study_page(NO_TRUTH, modeling_page=MODELING, audit_page=page("Audit", "words"))
    assert LISTED in index
    assert "[Audit](audit_page.md)" in index


def test_a_page_that_was_not_made_is_named_with_the_reason():
    absent = NotMade("no masks in a_b.")
    index = write_study_page(NO_TRUTH, modeling_page=MODELING, screening_page=absent)
    assert "## Not made\n\n- screening: no masks in a_b." in index
    assert "screening_page.md" not in index
    assert "Not made" not in write_study_page(NO_TRUTH, modeling_page=MODELING)


def test_reporting_gathers_the_page_of_every_pipeline():
    bootstrap_project(ROOT)
    ends = {name for other in pipelines.values() for name in other.outputs()}
    pages = {name for name in ends if name.endswith("_page")} - {"study_page"}
    assert {name for name in create_pipeline().inputs() if name.endswith("_page")} == pages


@pytest.fixture(scope="module")
def gathered(finished, load_catalog):
    """What reporting made of the finished phantom project: the truth, the index, the summary."""
    catalog = load_catalog(finished)
    return [catalog.load(name) for name in ("demo_truth", "study_page", "study_summary")]


@pytest.mark.slow
def test_everything_planted_that_needs_no_training_is_found(gathered, finished, load_catalog):
    truth = gathered[0].set_index("what")
    DEMO_TRUTH.validate(gathered[0])
    planted = {
        "copies of the same bytes": 4,
        "copies that went through JPEG": 4,
        "copies moved by a pixel or two": 4,
        "copies under another class": 1,
        "broken files": 2,
        "radiographs without a lung mask": 2,
        "blurred radiographs": 8,
        "hospitals": len(load_catalog(finished).load("radiograph_index")),
    }
    assert truth["planted"][list(planted)].to_dict() == planted
    assert truth["found"][list(planted)].to_dict() == planted
    assert not truth["found_besides"].any()


@pytest.mark.slow
def test_the_summary_fits_a_terminal(gathered):
    lines = gathered[2].splitlines()
    assert len(lines) <= 30 and max(map(len, lines)) <= 100
    assert lines[0].startswith("phantom_study: 61 radiographs (COVID 15, Lung_Opacity 16,")
    assert "Protocol leak_free, seed 2025." in " ".join(lines)
    assert [line for line in lines if re.fullmatch("  broken files +2 of 2", line)]
    assert "kedro run --env study --params study_path=FOLDER_OR_ZIP" in lines[-1]
    assert "## Planted and found" in gathered[1]


def best_of(table):
    return table.drop_duplicates(["backbone", "run"])[["backbone", "run"]].to_numpy().tolist()


def test_the_best_run_is_chosen_on_validation_radiographs_alone():
    def run(name, validation, test):
        rows = [("validation", "A", validation), ("validation", "B", "B")]
        rows += [("test", "A", test), ("test", "B", "B")]
        table = pd.DataFrame(rows, columns=["split", "label", "predicted"])
        named = table.assign(backbone="tiny", run=name, image_id=list("abcd"))
        return named.assign(probability_A=0.5, probability_B=0.5)

    predictions = pd.concat([run("lucky", "B", "A"), run("best", "A", "B")])
    best = best_on_validation(predictions, INTERVALS)
    assert best_of(best) == [["tiny", "best"]] and len(best) == 4
    with pytest.raises(CannotMakeError, match="no run could be trained"):
        best_on_validation(predictions.iloc[:0], INTERVALS)


def summary_of(**changes):
    index = pd.DataFrame({"label": ["A"] * 3 + ["B"] * 1200})
    absent = NotMade("there are no masks.")
    made = dict.fromkeys(("classifier_runs", "classifier_predictions"), absent) | changes
    splitting = SplittingParameters(
        protocol="published", train=0.7, validation=0.15, test=0.15, seed=7
    )
    return write_study_summary(
        index, index.iloc[:2], NO_TRUTH, **made, study_name="mine", splitting=splitting,
        intervals=INTERVALS, screening_page=absent, modeling_page="# Modeling",
    )  # fmt: skip


def test_a_study_that_is_no_phantom_has_a_summary_of_what_there_is():
    summary = summary_of()
    assert summary.startswith(
        "mine: 1,203 radiographs (A 3, B 1,200), 2 files rejected. Protocol published, seed 7.\n"
    )
    assert "Planted" not in summary and "Best of" not in summary
    assert "Not made: screening, because there are no masks.\n" in summary
    assert "data/08_reporting/mine/study_page.md" in summary


def test_flaws_that_are_found_and_were_not_planted_are_counted():
    truth = pd.DataFrame(
        {
            "file": ["a.png", "b.png", "c.png"],
            "image_id": list("abc"),
            "source_url": ["u", "u", "v"],
            "has_mask": [True, False, True],
            "blurred": [True, False, False],
            "defect": ["", "", "truncated"],
        }
    )
    index = pd.DataFrame({"image_id": list("ab"), "source_url": ["u", "w"], "has_mask": False})
    rejected = pd.DataFrame({"file": ["d.png"]})
    rows = {row.what: row[1:4] for row in find_flaws(truth, index, rejected, ["b"])}
    assert rows == {
        "broken files": (1, 0, 1),
        "radiographs without a lung mask": (1, 1, 1),
        "blurred radiographs": (1, 0, 1),
        "hospitals": (2, 1, 1),
    }


def test_copies_are_found_in_the_group_of_their_source():
    truth = pd.DataFrame(
        {
            "image_id": list("abcde"),
            "duplicate_of": ["", "a", "a", "", "d"],
            "duplicate_kind": ["", "exact", "shifted", "", "reencoded"],
        }
    )
    # `b` is with its source; `c` alone; `e` was rejected; `d` and `x` are no copies.
    groups = pd.DataFrame({"image_id": list("abcdx"), "group_id": list("aacdd")})
    sizes = groups.assign(group_size=groups.groupby("group_id")["image_id"].transform("size"))
    found = {row.what: row[1:4] for row in find_copies(truth, sizes)}
    assert found == {
        "copies of the same bytes": (1, 1, 1),
        "copies that went through JPEG": (1, 0, 0),
        "copies moved by a pixel or two": (1, 0, 0),
        "copies under another class": (0, 0, 0),
    }
