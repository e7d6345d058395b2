"""Tables of the dimension reductions."""

from __future__ import annotations

import pandera.pandas as pa

from covid_xray.tables import IMAGE_ID, LABEL, SPLIT, Maybe, Number, Text, Whole, table

EXPLAINED_VARIANCE = table(
    "an eigen-image",
    {
        "component": Whole(description="its number, from 1"),
        "explained_share": Number(description="share of the variance that it explains"),
        "cumulative_share": Number(description="share that it and those before it explain"),
    },
)
CODE_SCALING = table(
    "a dimension of a code",
    {
        "dimension": Whole(description="its number, from 0"),
        "mean": Number(description="mean of training radiographs"),
        "scale": Number(description="their standard deviation; 1 for a constant dimension"),
    },
)
_POINT = {
    "image_id": IMAGE_ID,
    "label": LABEL,
    "source": Text(description="where the radiograph was published"),
    "split": SPLIT,
    "x": pa.Column("float32", description="first coordinate"),
    "y": pa.Column("float32", description="second coordinate"),
}
TSNE_POINTS = table("a kept radiograph in Figure 7's plane", _POINT)
LATENT_POINTS = table(
    "a kept radiograph in Annex 11's space",
    _POINT | {"z": pa.Column("float32", description="third coordinate")},
)
REDUCTION_COMPARISON = table(
    "a reduction",
    {
        "method": Text(description="PCA, dense or convolutional autoencoder"),
        "quantity": Text(description="what is measured"),
        "value": Number(description="ours"),
        "low": Maybe(description="lower bound of its interval"),
        "high": Maybe(description="upper bound"),
        "published": Maybe(description="the report's"),
        "n_radiographs": pa.Column("Int64", nullable=True, description="test radiographs"),
    },
)
