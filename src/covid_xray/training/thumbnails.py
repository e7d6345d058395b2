"""What the coarsest picture of a radiograph gives away: a linear model on 8x8 thumbnails.

It sees brightness and framing, which may differ between hospitals, and findings that are large.
"""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from covid_xray.evaluation.predictions import prediction_table
from covid_xray.split import Split
from covid_xray.training.targets import class_names

_SIDE = 8


def predict_from_thumbnails(images: NDArray[np.uint8], rows: pd.DataFrame) -> pd.DataFrame:
    """Classes of held-out radiographs, by a logistic regression on thumbnails of 8x8 pixels.

    Args:
        images: uint8 array (n, side, side).
        rows: row list `row, image_id, group_id, split, label`.

    Returns:
        Predictions of the rows that are not of the training split.

    Raises:
        OneClassError: if there is one class.
    """
    classes = class_names(rows)
    is_training = (rows["split"] == Split.TRAIN).to_numpy()
    thumbnails = np.stack([_thumbnail(images[row]) for row in rows["row"]])
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    model.fit(thumbnails[is_training], rows.loc[is_training, "label"])
    order = [list(model.classes_).index(name) for name in classes]
    probabilities = model.predict_proba(thumbnails[~is_training])[:, order]
    return prediction_table(rows[~is_training], probabilities, classes)


def _thumbnail(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float64).ravel()
