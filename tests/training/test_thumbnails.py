"""A linear model on thumbnails sees brightness, and nothing as fine as a finding."""

import numpy as np
import pandas as pd

from covid_xray.training.thumbnails import predict_from_thumbnails

LABELS = ["A", "B"] * 20
ROWS = pd.DataFrame({"row": range(40), "label": LABELS, "split": ["train"] * 28 + ["test"] * 12})
ROWS["image_id"] = ROWS["group_id"] = [f"r{row}" for row in range(40)]


def share_right(images):
    predictions = predict_from_thumbnails(images, ROWS)
    assert predictions["image_id"].tolist() == ROWS["image_id"].tolist()[28:]
    np.testing.assert_allclose(predictions[["probability_A", "probability_B"]].sum(axis=1), 1)
    return (predictions["label"] == predictions["predicted"]).mean()


def test_brightness_gives_the_class_away():
    images = np.full((40, 64, 64), 90, np.uint8)
    images[1::2] = 110
    assert share_right(images) == 1


def test_what_is_finer_than_a_thumbnails_pixel_does_not():
    images = np.full((40, 64, 64), 100, np.uint8)
    images[1::2, ::2, ::2] = 150  # of the same mean, in every pixel of the thumbnail
    images[1::2, 1::2, 1::2] = 50
    assert share_right(images) == 0.5
