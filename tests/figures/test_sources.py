"""Sources and class sizes: what is drawn is what a count of the index gives."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from plotly.colors import hex_to_rgb

from covid_xray.figures import theme
from covid_xray.figures.sources import draw_class_counts, draw_sources

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["COVID", "Normal", "new_class"]),
        st.sampled_from(["SIRM", "RSNA", "COVID", "", "  ", None, np.nan]),
    ),
    min_size=1,
    max_size=40,
)


def index_of(rows):
    return pd.DataFrame(rows, columns=["label", "source"]).assign(
        image_id=[f"id-{i}" for i in range(len(rows))]
    )


@given(ROWS)
@settings(deadline=None, max_examples=30)
def test_the_links_are_the_crosstab_of_sources_and_classes(rows):
    (sankey,) = draw_sources(index_of(rows)).data
    counts = {}
    for label, source in rows:
        named = source.strip() if isinstance(source, str) and source.strip() else "unknown"
        key = (named, label.replace("_", " "))
        counts[key] = counts.get(key, 0) + 1
    names, link = sankey.node.customdata, sankey.link
    drawn = {
        (names[source], names[target]): value
        for source, target, value in zip(link.source, link.target, link.value, strict=True)
    }
    assert drawn == counts
    assert sum(link.value) == len(rows)


def test_browsers_show_names_as_they_are():
    (sankey,) = draw_sources(index_of([("<b>a</b>", "x & y")])).data
    assert sankey.node.label == ("x &amp; y (1)", "&lt;b&gt;a&lt;/b&gt; (1)")
    assert sankey.link.customdata == ("x &amp; y → &lt;b&gt;a&lt;/b&gt;",)


def test_nodes_carry_counts_and_links_class_colours():
    rows = [("COVID", "SIRM")] * 3 + [("COVID", None)] * 2 + [("Lung_Opacity", "RSNA")] * 4
    (sankey,) = draw_sources(index_of(rows)).data
    assert list(sankey.node.label) == [
        "RSNA (4)", "SIRM (3)", "unknown (2)", "COVID (5)", "Lung Opacity (4)",
    ]  # fmt: skip
    colours = theme.class_colours(["COVID", "Lung_Opacity"])
    covid, opacity = (f"rgba{(*hex_to_rgb(colour), 0.45)}" for colour in colours.values())
    targets = [sankey.node.customdata[target] for target in sankey.link.target]
    assert [covid if name == "COVID" else opacity for name in targets] == list(sankey.link.color)
    assert "%{value" in sankey.link.hovertemplate
    assert "%{value" in sankey.node.hovertemplate


def test_bars_are_as_long_as_the_classes_are_large(words):
    sizes = {"Normal": 10_192, "Lung_Opacity": 6012, "COVID": 3616, "Viral Pneumonia": 1345}
    index = pd.DataFrame({"label": np.repeat(list(sizes), list(sizes.values()))})
    figure = draw_class_counts(index.sample(frac=1, random_state=0))
    bars = figure.axes[0].containers[-1]
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    drawn = {name: bar.get_width() for name, bar in zip(names, bars, strict=True)}
    assert drawn == {label.replace("_", " "): n for label, n in sizes.items()}
    assert "10,192  (48%)" in words(figure)
    assert "7.6 times" in words(figure)
    assert bars[0].get_facecolor() == pytest.approx(
        (*to_rgb(theme.class_colours(sizes)["Normal"]), 1)
    )


def test_an_empty_study_is_said_to_be_empty(words):
    assert "no radiographs" in words(draw_class_counts(pd.DataFrame({"label": []})))
