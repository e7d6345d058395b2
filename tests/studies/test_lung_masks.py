"""Lung masks: given, predicted, and the mean of the training ones."""

import numpy as np

from covid_xray.studies.lung_masks import mean_mask


def test_the_mean_mask_is_lung_where_half_of_the_masks_are():
    masks = np.zeros((3, 2, 2), np.uint8)
    masks[:2, 0] = masks[0, 1, 0] = 1
    assert mean_mask(masks, [0, 1]).tolist() == [[1, 1], [1, 0]]
    assert mean_mask(masks, [0, 1, 2]).tolist() == [[1, 1], [0, 0]]
