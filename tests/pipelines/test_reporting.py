"""The study's page: an index of the pages that the pipelines end in, and nothing of its own."""

from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from covid_xray.absence import NotMade
from covid_xray.pages import page, section
from covid_xray.pipelines.reporting.nodes import write_study_page
from covid_xray.pipelines.reporting.pipeline import create_pipeline
from support.memory import run_in_memory
from support.project import ROOT

MODELING = page("Modeling", section("Table 5: comparison", "words"), section("Figure 14", "#3"))
LISTED = "## [Modeling](modeling_page.md)\n\n- Table 5: comparison\n- Figure 14"


def test_the_index_links_each_page_with_its_sections():
    index = write_study_page(modeling_page=MODELING, audit_page=page("Audit", "words"))
    assert LISTED in index
    assert "[Audit](audit_page.md)" in index


def test_a_page_that_was_not_made_is_named_with_the_reason():
    index = write_study_page(modeling_page=MODELING, screening_page=NotMade("no masks in a_b."))
    assert "## Not made\n\n- screening: no masks in a_b." in index
    assert "screening_page.md" not in index
    assert "Not made" not in write_study_page(modeling_page=MODELING)


def test_reporting_gathers_the_page_of_every_pipeline():
    bootstrap_project(ROOT)
    ends = {name for other in pipelines.values() for name in other.outputs()}
    pages = {name for name in ends if name.endswith("_page")} - {"study_page"}
    assert create_pipeline().inputs() == pages


def test_the_pipeline_writes_the_index():
    pages = dict.fromkeys(create_pipeline().inputs(), MODELING)
    assert LISTED in run_in_memory(create_pipeline(), pages)["study_page"]
