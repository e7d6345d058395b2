"""Tables of Report A's comparison of models, ours beside the published figures."""

from __future__ import annotations

import pandera.pandas as pa

from covid_xray.evaluation.scoring import ALL, REPORT_SCORES
from covid_xray.tables import NOTE, Flag, Maybe, Number, Text, Whole, bounded, table

_BACKBONE = Text(description="the backbone, as the report calls it")
_COVID_WEIGHT = pa.Column(
    required=False,
    nullable=True,
    description="weight of COVID in the loss; missing where a run weighs other classes",
)
_SCORES = {
    # A study without COVID has no columns of it.
    column: Maybe(description=described.description, required=label == ALL)
    for name, (label, _) in REPORT_SCORES.items()
    for column, described in bounded(name, "on test radiographs, classes weighing the same").items()
}

# Further columns are scores at the test set's prevalence (…_natural), and the published figures.
TABLE_5 = table(
    "a classifier of Report A's Table 5",
    {
        "backbone": _BACKBONE,
        "covid_weight": _COVID_WEIGHT,
        "run": Text(description="the run: its setting of class weights"),
        "variant": Text(description="row list that it was trained on"),
        "weights": Text(description="pre-trained weights: imagenet, a folder, or none"),
        "n_train": Whole(description="training rows, augmented ones included"),
        "n_test": Whole(description="test radiographs"),
        **_SCORES,
        "trainable_params": Whole(description="trainable weights"),
        "note": NOTE,
    },
    others=True,
)
FIGURE_14 = table(
    "a weight of COVID",
    {"backbone": _BACKBONE, "covid_weight": _COVID_WEIGHT, **_SCORES},
    others=True,
)
# The columns that name the model come first: `backbone, run`, or `model`.
CLASS_SCORES = table(
    "a score of a class",
    {
        "label": Text(description="the class, or all: their mean"),
        "score": Text(description="precision, recall, f1_score or accuracy"),
        "value": Number(description="the score, classes weighing the same"),
        "low": Number(description="lower bound"),
        "high": Number(description="upper bound"),
        "natural": Number(description="the score at the test set's own prevalence"),
        "support": Whole(description="test radiographs of the class"),
    },
    others=True,
)
CONFUSION = table(
    "a class and what it is taken for",
    {
        "label": Text(description="true class"),
        "predicted": Text(description="predicted class"),
        "count": Whole(description="test radiographs"),
        "share": pa.Column(float, nullable=True, description="share of the true class"),
        "low": pa.Column(float, nullable=True, description="lower bound"),
        "high": pa.Column(float, nullable=True, description="upper bound"),
    },
    others=True,
)
OVERFITTING = table(
    "a run",
    {
        "n_epochs": Whole(description="epochs that were run"),
        "growing_accuracy_gap": Flag(description="training leaves validation behind"),
        "diverging_losses": Flag(description="validation loss rises, training loss falls"),
        "overfits": Flag(description="either of the two"),
        "note": Text(description="what could not be measured; empty if nothing"),
    },
    others=True,
)
