"""Studies of any classes, with and without masks and metadata: each runs whole, in one command."""

import shutil

import pandas as pd
import pytest

from covid_xray.phantom.plan import PhantomPlan
from covid_xray.phantom.writing import write_phantom_study
from support.project import TEST_PARAMETERS, make_project

pytestmark = pytest.mark.thorough

FOUR = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
CLASSES = {
    "one class": ["COVID"],
    "two classes": ["COVID", "Normal"],
    "two classes without COVID": ["Normal", "Viral Pneumonia"],
    "three classes without COVID": FOUR[1:],
    # Names that are one when letters alone count.
    "six classes": [*FOUR, "A B", "A-B"],
    "without masks": FOUR,
    "without metadata": FOUR,
}
TABLES = ["table_1", "table_2", "table_3", "table_4", "table_5", "laplacian_table"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders of six classes: those of a phantom study, and two of another seed."""
    folder = tmp_path_factory.mktemp("pictures")
    first, second = folder / "first", folder / "second"
    write_phantom_study(first, PhantomPlan(images_per_class=12))
    write_phantom_study(second, PhantomPlan(images_per_class=12, seed=7))
    own = {label: first / label for label in FOUR}
    return own | {"A B": second / "Normal", "A-B": second / "Lung_Opacity"}


@pytest.fixture(params=CLASSES)
def run_study(request, pictures, tmp_path, run_kedro, load_catalog, tiny_backbones):
    """A study, run whole: its kind, its classes, its catalog, and its outputs' folder."""
    study, project = tmp_path / "study", tmp_path / "project"
    kind, classes = request.param, CLASSES[request.param]
    for label in classes:
        shutil.copytree(pictures[label], study / label)
        if kind == "without masks":
            shutil.rmtree(study / label / "masks")
        sheet = pictures[label].with_name(f"{pictures[label].name}.metadata.xlsx")
        if kind != "without metadata":
            shutil.copy(sheet, study / f"{label}.metadata.xlsx")
    project.mkdir()
    make_project(project)
    (project / "conf/study/parameters.yml").write_text(TEST_PARAMETERS, "utf-8")
    params = {"study_path": str(study), "classes": "+".join(classes)}
    run_kedro(project, env="study", params=params)
    return kind, classes, load_catalog(project, "study", params), project / "data"


def test_a_study_runs_whole_and_says_what_it_can_not_have(run_study):
    kind, classes, catalog, data = run_study
    marked = {path.name.split(".")[0]: path for path in data.rglob("*.not_made.txt")}
    index = catalog.load("radiograph_index")
    assert sorted(index["label"].unique()) == sorted(classes)
    page = catalog.load("study_page")
    if kind == "one class":
        assert {"table_3", "table_4", "table_5", "screening_page"} <= set(marked)
        assert "- modeling: the study has one class, COVID" in page
        return
    tables = {name: catalog.load(name) for name in TABLES}
    assert not set(TABLES) & set(marked)
    assert "## Not made" not in page
    has_covid = "COVID" in classes
    columns = {column for table in tables.values() for column in table}
    assert any("covid" in column for column in columns) == has_covid
    assert ("figure_14_scores" in marked) == (not has_covid)
    assert ("screening_comparison" in marked) == (not has_covid)
    assert ("unet" in marked) == (kind == "without masks")
    masked = tables["table_4"].set_index("variant").loc["masked"]
    assert (masked["note"] != "") == (kind == "without masks")
    table_5 = tables["table_5"]
    trained = ~table_5["note"].str.startswith("not trained")
    assert trained.sum() == (12 if has_covid else 4)
    assert (table_5["f1_score"].notna() == trained).all()
    assert isinstance(catalog.load("exploration_page"), str)
    assert index["source"].eq("unknown").all() == (kind == "without metadata"), pd.unique(
        index["source"]
    )
