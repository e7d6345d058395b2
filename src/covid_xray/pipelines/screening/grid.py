"""The models of Report B, and those that it proposes (section Pistes d'amélioration)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

COVID = "COVID"


@dataclass(frozen=True)
class ScreeningModel:
    """One model to train.

    Attributes:
        title: what readers call it.
        architecture: `cnn` (from scratch) or `xception` (truncated).
        target: the class it tells from all others; None tells all classes apart.
        masked: whether it sees nothing but equalised lungs; or else radiographs as they came.
    """

    title: str
    architecture: Literal["cnn", "xception"]
    target: str | None = COVID
    masked: bool = True


# Another model joins all tables and figures by an entry here.
MODELS = {
    "cnn": ScreeningModel("CNN from scratch", "cnn"),
    "xception": ScreeningModel("truncated Xception", "xception"),
    "naive_cnn": ScreeningModel("naive CNN, unmasked", "cnn", masked=False),
    "cnn_lung_opacity": ScreeningModel("CNN, Lung Opacity against the rest", "cnn", "Lung_Opacity"),
    "cnn_normal": ScreeningModel("CNN, Normal against the rest", "cnn", "Normal"),
    "cnn_viral_pneumonia": ScreeningModel(
        "CNN, Viral Pneumonia against the rest", "cnn", "Viral Pneumonia"
    ),
    "cnn_four_classes": ScreeningModel("CNN of four classes", "cnn", target=None),
}

PAIR = ("cnn", "xception")
"""The report's two models; they are combined, deployed and explained."""
NAIVE = "naive_cnn"
ONE_AGAINST_REST = ("cnn", "cnn_lung_opacity", "cnn_normal", "cnn_viral_pneumonia")
CLASSICAL = {
    "logistic_regression": "features + logistic regression",
    "svm": "features + SVM",
    "random_forest": "features + random forest",
}

# Everything that answers "COVID or not", with the parts that it is made of.
LUNGS = "lung_extractor"
ANSWERS = {
    "cnn": (LUNGS, "cnn"),
    "xception": (LUNGS, "xception"),
    NAIVE: (NAIVE,),
    "soft_voting": (LUNGS, *PAIR),
    **{name: (LUNGS, *PAIR, name) for name in CLASSICAL},
    "one_against_rest": (LUNGS, *ONE_AGAINST_REST),
    "cnn_four_classes": (LUNGS, "cnn_four_classes"),
}
FOUR_CLASSES = ("one_against_rest", "cnn_four_classes")
TWO_CLASSES = tuple(name for name in ANSWERS if name not in FOUR_CLASSES)
TITLES = (
    {name: model.title for name, model in MODELS.items()}
    | CLASSICAL
    | {"soft_voting": "soft voting of both", "one_against_rest": "vote of four CNNs"}
)

# Our models in the words of the published tables.
PUBLISHED = {"cnn": "cnn_from_scratch", "xception": "xception_truncated"}
