import json
import shutil
import sys
import zipfile

import pytest
from kedro.io import DatasetError

from covid_xray.datasets import PhantomStudyDataset, RadiographyStudyDataset

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]


def test_a_folder_and_its_zip_nested_as_kaggle_does_open_alike(phantom, tmp_path):
    folder, truth = phantom
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.rglob("*"):
            file.write(path, f"COVID-19_Radiography_Dataset/{path.relative_to(folder)}")
    from_folder = RadiographyStudyDataset(filepath=str(folder), classes=CLASSES).load()
    from_zip = RadiographyStudyDataset(filepath=str(archive), classes=CLASSES).load()
    assert from_zip.describe() == from_folder.describe() == truth["label"].value_counts().to_dict()
    assert from_zip.sources == from_folder.sources


def test_a_missing_study_says_where_it_goes_how_to_get_it_and_that_the_demo_needs_none(tmp_path):
    dataset = RadiographyStudyDataset(filepath=str(tmp_path / "absent"))
    with pytest.raises(DatasetError) as error:
        dataset.load()
    message = str(error.value)
    assert str(tmp_path / "absent") in message
    assert "kaggle.com/datasets/tawsifurrahman" in message
    assert "study_path" in message
    assert "`kedro run` alone needs no data" in message


def test_a_kaggle_handle_without_the_extra_names_the_extra(tmp_path, monkeypatch):
    # The extra `kaggle` is not installed for tests; make sure of it even where it is.
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    dataset = RadiographyStudyDataset(filepath=str(tmp_path / "absent"), kaggle_handle="a/b")
    with pytest.raises(DatasetError, match=r"pip install -e '\.\[kaggle\]'"):
        dataset.load()


def test_a_wrong_class_folder_is_named(phantom):
    folder, _ = phantom
    dataset = RadiographyStudyDataset(filepath=str(folder), classes=["COVID", "Influenza"])
    with pytest.raises(DatasetError, match="'Influenza'"):
        dataset.load()


def test_studies_are_never_written_to(phantom):
    folder, _ = phantom
    with pytest.raises(DatasetError, match="never writes"):
        RadiographyStudyDataset(filepath=str(folder)).save("anything")
    with pytest.raises(DatasetError, match="writes itself"):
        PhantomStudyDataset(filepath=str(folder)).save("anything")


def test_the_phantom_study_is_written_on_first_load_and_only_read_after(tmp_path):
    dataset = PhantomStudyDataset(filepath=str(tmp_path / "phantom"), plan={"images_per_class": 6})
    assert not dataset.exists()
    first = dataset.load()
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "phantom").rglob("*")}
    assert dataset.load().describe() == first.describe()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "phantom").rglob("*")} == stamps


def test_a_phantom_study_of_another_plan_is_not_taken_for_the_one_asked_for(phantom, tmp_path):
    folder = tmp_path / "phantom"
    shutil.copytree(phantom[0], folder)
    assert json.loads((folder / "plan.json").read_text())["images_per_class"] == 12
    with pytest.raises(DatasetError, match="Delete the folder"):
        PhantomStudyDataset(filepath=str(folder), plan={"images_per_class": 13}).load()


@pytest.mark.parametrize("plan", [{"images_per_class": 1}, {"imagesperclass": 9}])
def test_an_impossible_plan_names_its_field(tmp_path, plan):
    with pytest.raises(DatasetError, match=next(iter(plan))):
        PhantomStudyDataset(filepath=str(tmp_path / "phantom"), plan=plan)
