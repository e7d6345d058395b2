"""What the tests of figures share: the words on a figure, and small studies to draw."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

CLASSES = ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia", "new_class 7", "$odd$ _name_")


@pytest.fixture(scope="session")
def words():
    """Function: everything written on a figure, as one text."""

    def written(figure):
        return "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_text())

    return written


@pytest.fixture(scope="session")
def png():
    """Function: the figure as the bytes of a small PNG."""

    def saved(figure):
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=50)
        return buffer.getvalue()

    return saved


@pytest.fixture(scope="session")
def pictures():
    """Function: random radiographs of a given shape."""

    def drawn(*shape, seed=0):
        return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)

    return drawn


@pytest.fixture(scope="session")
def study_features():
    """Features of 40 radiographs in each of six classes; only two classes have lung masks."""
    rng = np.random.default_rng(3)
    labels = np.repeat(CLASSES, 40)
    table = pd.DataFrame(
        {
            "image_id": [f"{label}-{i}" for i, label in enumerate(labels)],
            "label": labels,
            "luminosity": rng.normal(130, 20, len(labels)),
            "mask_area": rng.normal(20_000, 3000, len(labels)),
            "laplacian_variance": rng.lognormal(4, 1, len(labels)),
        }
    )
    return table.assign(mask_area=table["mask_area"].where(table["label"] < "N"))


@pytest.fixture
def features(study_features):
    """A copy of the features, to be changed."""
    return study_features.copy()


@pytest.fixture(scope="session")
def points():
    """Radiographs as points in space, some of unknown source."""
    rng = np.random.default_rng(5)
    labels = np.repeat(CLASSES, [10, 30, 20, 5, 5, 5])
    return pd.DataFrame(rng.normal(size=(len(labels), 3)), columns=list("xyz")).assign(
        label=labels,
        image_id=[f"id-{i}" for i in range(len(labels))],
        source=[None if i % 7 == 0 else "SIRM" for i in range(len(labels))],
        split=rng.choice(["train", "test"], len(labels)),
    )
