"""Grad-CAM panels: right predictions left, wrong ones right, each under its own heat."""

import numpy as np
import pytest

from covid_xray.figures import theme
from covid_xray.figures.grad_cam import GradCamRow, draw_grad_cam_panels, explained_panel


def row_of(is_right, pictures, title="MobileNet", side=12):
    """Explained predictions of one model; `COVID` is right, `Normal` is wrong."""
    row = GradCamRow(title)
    heatmaps = np.random.default_rng(len(title)).random((len(is_right), side, side))
    radiographs = pictures(len(is_right), side, side)
    for k, (right, pixels, heat) in enumerate(zip(is_right, radiographs, heatmaps, strict=True)):
        predicted = "COVID" if right else "Viral Pneumonia"
        answer = {"image_id": f"id-{k}", "label": "COVID", "predicted": predicted}
        answer[f"probability_{predicted}"] = 0.5 + k / 100
        (row.right if right else row.wrong).append(explained_panel(pixels, heat, answer))
    return row


def panels(figure, n_rows):
    return np.array(figure.axes[: 4 * n_rows]).reshape(n_rows, 4)


def test_a_panel_names_radiograph_classes_and_probability(pictures):
    (panel,) = row_of([False], pictures).wrong
    assert panel.title.splitlines() == [
        "id-0", "true: COVID", "predicted: Viral Pneumonia", "probability 50.0%",
    ]  # fmt: skip
    assert panel.caption == "wrong"


def test_two_right_then_two_wrong_predictions_are_shown(pictures):
    rows = [
        row_of([False, True, False, True, True, False], pictures, "MobileNet"),
        row_of([True, True, False, False], pictures, "VGG19"),
    ]
    grid = panels(draw_grad_cam_panels(rows), 2)
    for cells, row in zip(grid, rows, strict=True):
        assert cells[0].get_ylabel() == row.title
        for axes, panel in zip(cells, row.right[:2] + row.wrong[:2], strict=True):
            below, above = axes.images
            assert np.array_equal(below.get_array(), panel.pixels)
            assert np.array_equal(above.get_array(), panel.heat)
            assert (below.get_clim(), above.get_clim()) == ((0, 255), (0, 1))
            assert axes.get_title() == panel.title
            assert axes.get_xlabel() == panel.caption


@pytest.mark.parametrize(
    ("is_right", "notes"),
    [
        ([True, True], ["", "", "no wrong", "no wrong"]),
        ([False, True], ["", "no other right", "", "no other wrong"]),
        ([False, False], ["no right", "no right", "", ""]),
        ([], ["no right", "no right", "no wrong", "no wrong"]),
    ],
)
def test_a_missing_panel_stays_blank_and_says_so(is_right, notes, pictures):
    (cells,) = panels(draw_grad_cam_panels([row_of(is_right, pictures)]), 1)
    for axes, note in zip(cells, notes, strict=True):
        text = " ".join(text.get_text() for text in axes.texts).replace("\n", " ")
        assert text == (f"{note} prediction" if note else "")
        assert len(axes.images) == (0 if note else 2)
    assert cells[0].get_ylabel() == "MobileNet"


def test_a_radiograph_without_evidence_says_so(pictures):
    nothing = explained_panel(
        pictures(12, 12),
        np.zeros((12, 12)),
        {"image_id": "id", "label": "COVID", "predicted": "COVID", "probability_COVID": 1.0},
    )
    row = GradCamRow("MobileNet", [nothing], row_of([False], pictures).wrong)
    (cells,) = panels(draw_grad_cam_panels([row]), 1)
    assert cells[0].get_xlabel() == "right, no evidence"
    assert cells[2].get_xlabel() == "wrong"
    assert theme.HEAT(cells[0].images[1].get_array())[..., 3].max() == 0


def test_colours_grow_lighter_and_opaque_with_the_evidence():
    colours = theme.HEAT(np.linspace(0, 1, 256))
    lightness = colours[:, :3] @ [0.2126, 0.7152, 0.0722]
    # Plasma is even in lightness as seen, not in this rough sum.
    assert (np.diff(lightness[::16]) > 0).all()
    assert (np.diff(colours[:, 3]) > 0).all()
    assert colours[0, 3] == 0
    assert colours[-1, 3] < 0.8, "the radiograph must show through"


def test_the_key_says_what_the_colours_mean(pictures, words):
    figure = draw_grad_cam_panels([row_of([True, False], pictures)])
    assert "evidence for the predicted class" in words(figure)
    *_, bar = figure.axes
    assert bar.get_xlim() == (0, 1)


def test_titles_and_verdicts_overlap_nothing(pictures):
    long = "EfficientNetB0_fine_tuned, COVID weight 2"
    figure = draw_grad_cam_panels([row_of([True, True, False], pictures, long)] * 3)
    figure.draw_without_rendering()
    texts = [
        (text, text.get_window_extent())
        for axes in figure.axes
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts)
        if text.get_text()
    ]
    for place, (text, box) in enumerate(texts):
        for other, other_box in texts[place + 1 :]:
            assert not box.overlaps(other_box), (text, other)


def test_no_models_are_said_to_be_none(words):
    assert "No prediction" in words(draw_grad_cam_panels([]))
