"""Nodes that prepare what the classifiers see, and show it (Report B, section Problématiques)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream, row_batches
from covid_xray.imaging.equalisation import equalise
from covid_xray.pipelines.screening.grid import COVID
from covid_xray.pipelines.screening.parameters import ScreeningParameters
from covid_xray.pipelines.screening.questions import rows_of_question
from covid_xray.split import Split

Images = NDArray[np.uint8]
Figure: TypeAlias = Any
_BATCH = 64
_QUESTIONS = {"Four classes": None, "COVID and the rest": COVID}


def equalise_radiographs(images: Images, screening: ScreeningParameters) -> RowStream:
    """Spread out the grey levels of every radiograph.

    Returns:
        uint8 array (n, side, side), in the index's order.
    """
    batches = row_batches(np.arange(len(images)), _BATCH, "Equalising radiographs")
    equalised = (equalise(np.asarray(images[rows]), screening.equalisation) for rows in batches)
    return RowStream(images.shape, np.uint8, equalised)


def draw_preparation(
    images: Images,
    equalised_images: Images,
    predicted_masks: Images,
    splits: pd.DataFrame,
    screening: ScreeningParameters,
) -> tuple[Figure, Figure]:
    """Grey levels before and after equalisation, and examples of lungs cut out."""
    from covid_xray.figures.equalisation import draw_grey_levels, draw_masked_examples

    rows = rows_of_question(splits, None)
    shuffled = rows.sample(frac=1, random_state=screening.seed)
    examples = shuffled.groupby("label").head(screening.examples_per_class)
    examples = examples.sort_values(["label", "row"])
    numbers = examples["row"].to_numpy()
    of_class = examples.groupby("label")["row"]
    shown = {str(label): group.to_numpy() for label, group in of_class}
    levels = draw_grey_levels(
        {label: images[group] for label, group in shown.items()},
        {label: equalised_images[group] for label, group in shown.items()},
        _grey_level_shares(images, rows),
        _grey_level_shares(equalised_images, rows),
    )
    masks = predicted_masks[numbers]
    lungs = equalised_images[numbers] * masks
    titles = examples["image_id"].tolist()
    return levels, draw_masked_examples(
        images[numbers], equalised_images[numbers], masks, lungs, titles
    )


def _grey_level_shares(images: Images, rows: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Share of all pixels of a class that have each grey level, (256,)."""
    counts = {label: np.zeros(256, np.int64) for label in sorted(rows["label"].unique())}
    for label, number in zip(rows["label"], rows["row"], strict=True):
        counts[label] += np.bincount(images[number].ravel(), minlength=256)
    return {label: count / count.sum() for label, count in counts.items()}


def describe_balancing(
    splits: pd.DataFrame, screening: ScreeningParameters
) -> tuple[pd.DataFrame, Figure]:
    """Proportions of the classes among training radiographs and in the batches of an epoch.

    Returns:
        `question, sampling, label, n_radiographs, share`; and their figure.
    """
    from covid_xray.figures.screening import draw_class_proportions
    from covid_xray.training.balanced import balanced_order

    records, panels = [], {}
    for question, target in _QUESTIONS.items():
        rows = rows_of_question(splits, target)
        labels = rows.loc[rows["split"] == Split.TRAIN, "label"].reset_index(drop=True)
        order = balanced_order(pd.factorize(labels, sort=True)[0], screening.seed, 0)
        samplings = {"as they are": labels, "in balanced batches": labels.iloc[order]}
        for sampling, drawn in samplings.items():
            counts = drawn.value_counts().sort_index()
            panels[f"{question}, {sampling}"] = {str(k): int(v) for k, v in counts.items()}
            records += [
                {"question": question, "sampling": sampling, "label": label, "n_radiographs": n,
                 "share": n / len(drawn)}
                for label, n in counts.items()
            ]  # fmt: skip
    return pd.DataFrame(records), draw_class_proportions(panels)
