"""A study's path and classes as they are typed behind `--params`, and what Kedro makes of them."""

import shutil
from pathlib import Path

import pytest
from kedro.framework.cli.utils import _split_params
from kedro.io import DatasetError

from covid_xray.studies.run_time import UnusableValueError, check_location, class_folders
from support.command_line import kedro

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]


@pytest.fixture
def opened(project, load_catalog):
    """Opens what is named by `--params`, as it is typed, in a project."""

    def open_typed(typed, dataset="radiography_study"):
        params = _split_params(None, None, typed)
        return load_catalog(project, env="study", params=params).load(dataset)

    return open_typed


@pytest.fixture
def placed(project, phantom, tmp_path):
    """Links the phantom study into the project, under a name."""

    def link(name):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).symlink_to(phantom[0])

    return link


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("2024", "2024"),
        ("20.5", "20.5"),
        ("0012", "./0012"),
        ("0012", '"0012"'),
        ("yes", "./yes"),
        ("[a] b", "./[a] b"),
        ("a b/c d", "a b/c d"),
        ("~", "./~"),
    ],
)
def test_a_study_is_opened_under_any_name(placed, opened, name, typed):
    placed(name)
    assert sorted(opened(f"study_path={typed}").describe()) == CLASSES


@pytest.mark.parametrize("parameter", ["study_path", "segmentation_pairs"])
def test_a_path_may_start_with_the_users_folder(opened, phantom, tmp_path, monkeypatch, parameter):
    dataset = {"study_path": "radiography_study"}.get(parameter, parameter)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    shutil.copytree(phantom[0], tmp_path / "home/my x-rays")
    assert sorted(opened(f"{parameter}=~/my x-rays", dataset).describe()) == CLASSES


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("0012", "the number 10, and there is no '10'"),
        ("2024", "the number 2024, and there is no '2024'"),
        ("1e3", "the number 1000.0"),
        ("12:30", "the number 750"),
        ("yes", "came as True"),
        ("[a]", r"came as \['a'\]"),
        ("", "names nothing"),
    ],
)
def test_what_was_not_typed_is_refused_with_what_to_type(tmp_path, typed, told):
    (tmp_path / "0012").mkdir()
    value = _split_params(None, None, f"study_path={typed}")["study_path"]
    with pytest.raises(UnusableValueError, match=f"{told}.*--params study_path=./NAME"):
        check_location("study_path", value, tmp_path)


@pytest.mark.parametrize("name", ["study_path", "segmentation_pairs"])
def test_a_path_is_checked_before_anything_runs(placed, opened, name):
    placed("0012")
    with pytest.raises(UnusableValueError, match=f"the number 10.*--params {name}=./NAME"):
        opened(f"{name}=0012")


def test_a_number_that_is_read_as_a_name_is_told(placed, opened, caplog):
    placed("10")
    opened("study_path=0012")
    assert "study_path came as the number 10: '10' is read. Type a path" in caplog.text


@pytest.mark.parametrize("name", ["ward, 2024", "ward,b=c.zip"])
def test_a_path_that_was_cut_at_a_comma_is_explained(placed, opened, name):
    placed(name)
    with pytest.raises(DatasetError, match=f"'{name}' is there, but --params splits at commas"):
        opened("study_path=ward,seed=1")


@pytest.mark.slow
def test_the_command_line_explains_a_comma(project):
    typed = "study_path=/data/ward, 2024/x"
    result = kedro(project, "run", "--env", "study", "--params", typed)
    assert result.returncode != 0
    assert "'2024/x' is none. A value can't hold a comma" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("typed", "counted"),
    [
        ("classes=COVID+Normal", ["COVID", "Normal"]),
        ("classes=normal + viral_pneumonia", ["normal", "viral_pneumonia"]),
        ("classes=COVID", ["COVID"]),
        ("classes.sick=COVID,classes.well=Normal", ["sick", "well"]),
        ("classes.Viral Pneumonia=COVID", ["Viral Pneumonia"]),
        ("seed=1", CLASSES),
    ],
)
def test_classes_are_named_behind_params(placed, opened, typed, counted):
    placed("ward")
    assert list(opened(f"study_path=ward,{typed}").describe()) == counted


def test_classes_of_numbers_take_quotes(opened, phantom, project):
    for number, label in ("0012", "COVID"), ("2024", "Normal"):
        shutil.copytree(phantom[0] / label, project / "ward" / number)
    typed = "classes.sick=\"0012\",classes.well='2024'"
    assert list(opened(f"study_path=ward,{typed}").describe()) == ["sick", "well"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("classes=2024", "2024 is no name"),
        ("classes.sick=0012", "10 is no name"),
        ("classes=COVID++Normal", "'' is no name"),
        ("classes=COVID+COVID", "each once"),
        ("classes.a=COVID,classes.b=COVID", "each once"),
        ("classes.a.b=COVID", "is no name"),
        ("classes=yes", "True is no name"),
    ],
)
def test_classes_that_cant_be_are_refused_with_examples(typed, told):
    value = _split_params(None, None, typed)["classes"]
    with pytest.raises(UnusableValueError, match=f"{told}.*--params classes=COVID\\+Normal"):
        class_folders(value)


@pytest.mark.parametrize("typed", ["classes=2024", "classes="])
def test_classes_are_checked_before_anything_runs(opened, typed):
    with pytest.raises(UnusableValueError, match="--params classes=COVID"):
        opened(typed)


def test_classes_in_files_are_held_to_the_same(phantom):
    assert class_folders({"a": "b"}) == {"a": "b"}
    assert class_folders(None) is None
    with pytest.raises(UnusableValueError, match="2024 is no name"):
        class_folders({"COVID": 2024})


def test_a_class_without_a_folder_is_told_with_what_to_type(placed, opened):
    placed("ward")
    with pytest.raises(DatasetError, match=r"no folder with files for 'MERS'.*classes=NAME\+NAME"):
        opened("study_path=ward,classes=COVID+MERS")


def test_classes_in_the_demo_are_refused_with_the_command(load_catalog, project):
    with pytest.raises(ValueError, match="--env study --params classes.sick=COVID"):
        load_catalog(project, env="demo", params={"classes": {"sick": "COVID"}})


def test_the_packaged_project_has_a_run_command():
    from kedro.framework.cli.utils import find_run_command

    assert find_run_command("covid_xray").name == "run"
    assert Path(find_run_command("covid_xray").callback.__code__.co_filename).name == "project.py"
