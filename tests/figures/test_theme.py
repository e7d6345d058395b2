"""The theme: classes that colour-blind readers can tell apart, and no style anywhere else."""

import ast
import re
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from skimage.color import rgb2lab

import covid_xray.figures
from covid_xray.figures import theme

KNOWN = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
VISION = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}


def seen_as(colour, vision):
    """CIELAB coordinates of a colour as someone with that vision sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(VISION[vision] @ linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded[None, None])[0, 0]


@pytest.mark.parametrize("vision", VISION)
def test_the_classes_stay_apart_for_everyone(vision):
    colours = theme.class_colours([*KNOWN, "a", "b", "c", "d"])
    for first, second in combinations(colours, 2):
        distance = np.linalg.norm(
            seen_as(colours[first], vision) - seen_as(colours[second], vision)
        )
        assert distance >= 15, (first, second, vision, distance)


def test_the_known_classes_stay_apart_in_black_and_white():
    lightness = [seen_as(colour, "normal")[0] for colour in theme.class_colours(KNOWN).values()]
    assert np.diff(sorted(lightness)).min() >= 5


@given(st.sets(st.sampled_from([*KNOWN, "a", "b", "c", "d", "e"]), min_size=1))
def test_a_known_class_has_its_look_in_any_company(labels):
    alone, together = theme.class_cues(KNOWN), theme.class_cues(labels)
    assert list(together) == sorted(labels)
    for label in labels & set(KNOWN):
        assert together[label] == alone[label]


def test_other_classes_get_colours_then_cues_that_differ():
    labels = [*KNOWN, "a", "b", "c", "d"]
    assert len(set(theme.class_colours(labels).values())) == 8
    assert theme.class_colours(["b", "a"]) == theme.class_colours(["a", "b"])
    many = [*KNOWN, *"abcdefghi"]
    assert len({cue[:2] for cue in theme.class_cues(many).values()}) == len(many)


def test_drawing_leaves_the_style_of_others_alone():
    before = dict(matplotlib.rcParams)
    figure = theme.themed(lambda: theme.new_figure(2, 3, width=4, height=3)[0])()
    assert len(figure.axes) == 6
    assert list(figure.get_size_inches()) == [4, 3]
    assert not figure.axes[0].spines["top"].get_visible()
    assert dict(matplotlib.rcParams) == before


def test_plotly_figures_get_the_theme_and_keep_their_data():
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))
    assert theme.apply_theme(figure, "The title", "under it") is figure
    assert figure.layout.title.text == "The title"
    assert figure.layout.title.subtitle.text == "under it"
    assert figure.layout.font.color == theme.INK
    assert list(figure.data[0].y) == [3, 4]


def test_a_long_title_is_wrapped_within_the_figure():
    titles = ("luminosity " * 12, "a subtitle that is long as well " * 4)
    figure = theme.themed(lambda: theme.titled(theme.new_figure(width=4)[0], *titles))()
    figure.draw_without_rendering()
    right = figure.get_window_extent().x1
    assert figure._suptitle.get_window_extent().x1 <= right
    for note in figure.artists:
        assert note.get_window_extent().x1 <= right


def test_no_other_module_sets_a_style():
    folder = Path(covid_xray.figures.__file__).parent
    modules = [path for path in folder.glob("*.py") if path.name != "theme.py"]
    assert len(modules) >= 8
    for path in modules:
        source = path.read_text()
        assert not re.search(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b", source), path
        assert not re.search(r"rcParams|rc_context|pyplot|style\.use|\brgba?\(\d", source), path
        assert not _style_literals(ast.parse(source)), (path, _style_literals(ast.parse(source)))


def _style_literals(tree):
    """Colours, colormaps and font sizes written out: as an argument or in a dictionary."""
    named = [
        (keyword.arg, keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    ] + [
        (key.value, value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant)
    ]
    style = re.compile(r"colou?r|cmap|font|family")
    return [
        (name, value.value)
        for name, value in named
        # "none" is no colour at all, and "name" is a column to colour by.
        if style.search(str(name))
        and isinstance(value, ast.Constant)
        and value.value not in ("none", "name")
    ]
