"""Figures on disk: whole pictures that Kedro-Viz can show, or what was there before."""

import base64
import inspect

import cv2
import numpy as np
import plotly.graph_objects as go
import pytest
from kedro.io import DatasetError
from matplotlib.figure import Figure

from covid_xray.datasets.figures import MatplotlibDataset, PlotlyDataset


def printed():
    """A figure of 300x200 pixels: a red sheet with nothing on it."""
    return Figure(figsize=(3, 2), dpi=100, facecolor="red")


def interactive():
    trace = go.Scatter(x=[1, 2, 3], y=[0.5, None, -1], text=["a", "b", "é"], name="COVID")
    return go.Figure([trace], {"title": {"text": "Points"}})


class HalfWritten:
    """A figure whose writing fails midway."""

    def savefig(self, file, **options):
        file.write(b"\x89PNG\r\n")
        raise OSError("disk full")

    def write_json(self, file, **options):
        file.write('{"data": [')
        file.flush()
        raise OSError("disk full")


CASES = [(MatplotlibDataset, "figure.png", printed), (PlotlyDataset, "figure.json", interactive)]


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_a_printed_figure_is_a_whole_picture(tmp_path):
    MatplotlibDataset(filepath=str(tmp_path / "reports/figure.png")).save(printed())
    pixels = cv2.imread(str(tmp_path / "reports/figure.png"))
    assert pixels.shape == (200, 300, 3)
    assert (pixels == [0, 0, 255]).all()
    assert names(tmp_path / "reports") == ["figure.png"]


def test_an_interactive_figure_comes_back_as_it_was(tmp_path):
    dataset = PlotlyDataset(filepath=str(tmp_path / "reports/figure.json"))
    dataset.save(interactive())
    loaded = dataset.load()
    assert loaded == interactive()
    assert loaded != go.Figure()
    assert names(tmp_path / "reports") == ["figure.json"]


@pytest.mark.parametrize(("dataset_type", "name", "draw"), CASES)
def test_a_figure_is_replaced_by_the_next(tmp_path, dataset_type, name, draw):
    dataset = dataset_type(filepath=str(tmp_path / name))
    assert not dataset.exists()
    dataset.save(Figure() if name.endswith("png") else go.Figure())
    before = (tmp_path / name).read_bytes()
    dataset.save(draw())
    assert dataset.exists()
    assert (tmp_path / name).read_bytes() != before
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(("dataset_type", "name", "draw"), CASES)
def test_a_figure_is_written_beside_its_place_and_renamed(tmp_path, dataset_type, name, draw):
    dataset = dataset_type(filepath=str(tmp_path / name))
    dataset.save(Figure() if name.endswith("png") else go.Figure())
    before = (tmp_path / name).read_bytes()
    # A second name of the old file: written in place, the old file would change with it.
    second_name = tmp_path / "second_name"
    second_name.hardlink_to(tmp_path / name)
    dataset.save(draw())
    assert second_name.read_bytes() == before != (tmp_path / name).read_bytes()


@pytest.mark.parametrize(("dataset_type", "name", "draw"), CASES)
def test_a_failed_save_leaves_the_figure_as_it_was(tmp_path, dataset_type, name, draw):
    dataset = dataset_type(filepath=str(tmp_path / name))
    dataset.save(draw())
    before = (tmp_path / name).read_bytes()
    with pytest.raises(DatasetError, match="disk full"):
        dataset.save(HalfWritten())
    assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize(("dataset_type", "name", "draw"), CASES)
def test_a_first_save_that_fails_leaves_no_figure(tmp_path, dataset_type, name, draw):
    dataset = dataset_type(filepath=str(tmp_path / name))
    with pytest.raises(DatasetError, match="disk full"):
        dataset.save(HalfWritten())
    assert not dataset.exists()
    # And what it leaves beside is gone with the next figure.
    dataset.save(draw())
    assert names(tmp_path) == [name]


def test_a_printed_figure_loads_as_its_path(tmp_path):
    dataset = MatplotlibDataset(filepath=str(tmp_path / "figure.png"))
    with pytest.raises(DatasetError, match=r"no picture at .*figure\.png"):
        dataset.load()
    dataset.save(printed())
    assert dataset.load() == tmp_path / "figure.png"


def test_kedro_viz_sees_the_picture_that_was_saved(tmp_path):
    dataset = MatplotlibDataset(filepath=str(tmp_path / "figure.png"))
    dataset.save(printed())
    shown = np.frombuffer(base64.b64decode(dataset.preview()), np.uint8)
    pixels = cv2.imdecode(shown, cv2.IMREAD_COLOR)
    assert pixels.shape == (200, 300, 3)
    assert (pixels == [0, 0, 255]).all()


def test_kedro_viz_sees_the_interactive_figure_that_was_saved(tmp_path):
    dataset = PlotlyDataset(filepath=str(tmp_path / "figure.json"))
    dataset.save(interactive())
    shown = dataset.preview()
    assert go.Figure(shown) == interactive()
    assert shown["layout"]["title"]["text"] == "Points"


@pytest.mark.parametrize(
    ("dataset_type", "kind"),
    [(MatplotlibDataset, "ImagePreview"), (PlotlyDataset, "PlotlyPreview")],
)
def test_kedro_viz_knows_how_to_show_it(dataset_type, kind):
    # Kedro-Viz chooses its viewer by the annotation of what `preview` returns.
    annotation = inspect.signature(dataset_type.preview).return_annotation
    assert getattr(annotation, "__name__", annotation) == kind
