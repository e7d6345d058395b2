"""Embeddings: every radiograph where its coordinates put it, named on hover."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from matplotlib.colors import to_rgb

from covid_xray.figures import theme
from covid_xray.figures.embeddings import (
    draw_embedding,
    draw_embedding_interactive,
    draw_latent_space,
)


def test_a_radiograph_is_a_point_in_its_class_s_colour(points, words):
    figure = draw_embedding(points, "The title", "Silhouette 0.12")
    colours = theme.class_colours(points["label"])
    drawn = {scatter.get_label(): scatter for scatter in figure.axes[0].collections}
    for label, rows in points.groupby("label"):
        scatter = drawn[f"{theme.class_name(label)} ({len(rows)})"]
        np.testing.assert_allclose(scatter.get_offsets(), rows[["x", "y"]])
        assert tuple(scatter.get_facecolor()[0][:3]) == pytest.approx(to_rgb(colours[label]))
    assert len(drawn) == points["label"].nunique()
    assert "The title" in words(figure)
    assert "Silhouette 0.12" in words(figure)


def test_small_classes_lie_on_top(points):
    scatters = draw_embedding(points, "t").axes[0].collections
    sizes = [len(scatter.get_offsets()) for scatter in scatters]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("draw", "axes"), [(draw_embedding_interactive, "xy"), (draw_latent_space, "xyz")]
)
def test_hovering_names_radiograph_class_source_and_split(draw, axes, points):
    figure = draw(points, "The title", "Silhouette 0.12")
    by_id = points.set_index("image_id")
    seen = set()
    colours = theme.class_colours(points["label"])
    for trace in figure.data:
        for field in range(4):
            assert f"%{{customdata[{field}]}}" in trace.hovertemplate
        coordinates = np.column_stack([trace[axis] for axis in axes])
        for (image_id, *rest), place in zip(trace.customdata, coordinates, strict=True):
            row = by_id.loc[image_id]
            assert rest == [
                row["label"],
                "unknown" if pd.isna(row["source"]) else row["source"],
                row["split"],
            ]
            np.testing.assert_allclose(place, row[list(axes)].astype(float))
            assert trace.marker.color == colours[row["label"]]
            seen.add(image_id)
    assert seen == set(points["image_id"])
    assert figure.layout.title.text == "The title"
    assert figure.layout.title.subtitle.text == "Silhouette 0.12"


def test_browsers_show_names_as_they_are(points):
    named = points.assign(label="<b>a</b>", image_id="<i>1</i>", source="x & y")
    (trace,) = draw_embedding_interactive(named, "t").data
    assert trace.name == f"&lt;b&gt;a&lt;/b&gt; ({len(points)})"
    assert trace.customdata[0][:3].tolist() == [
        "&lt;i&gt;1&lt;/i&gt;",
        "&lt;b&gt;a&lt;/b&gt;",
        "x &amp; y",
    ]


def test_many_points_go_to_webgl(points):
    assert all(isinstance(t, go.Scatter) for t in draw_embedding_interactive(points, "t").data)
    many = points.loc[np.tile(points.index, 60)]
    assert all(isinstance(t, go.Scattergl) for t in draw_embedding_interactive(many, "t").data)


def test_no_radiographs_are_said_to_be_none(points, words):
    assert "no radiographs" in words(draw_embedding(points.iloc[:0], "The title"))
