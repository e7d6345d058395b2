"""Nodes of Annex 6: do the classes differ in the five exploratory features, and how much?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.anova import analyse_variance, beside_published_anova, check_assumptions
from covid_xray.evaluation.pairwise import beside_published_pairs, compare_pairs
from covid_xray.imaging.features import EXPLORATORY_FEATURES, exploratory_features
from covid_xray.pipelines.exploration.parameters import SignificanceParameters
from covid_xray.pipelines.exploration.rendering import render_annex_6
from covid_xray.split import Protocol, Split
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.variants import select_variant

Images = NDArray[np.uint8]
BALANCED = "balanced_augmented"
# What Annex 6 compares pair by pair.
PAIRED_FEATURES = ("luminosity", "rms_contrast")


def measure_balanced_study(
    images: Images,
    masks: Images,
    augmented_images: Images,
    augmented_masks: Images,
    study_variants: pd.DataFrame,
    splitting: SplittingParameters,
) -> pd.DataFrame:
    """The five features on the balanced, augmented study, on which the report's Tukey tests ran.

    Returns:
        `image_id, label, array, row`, and the features. Under `leak_free` only training rows are
        balanced, so only they are measured.
    """
    rows = select_variant(study_variants, BALANCED)
    if splitting.protocol is Protocol.LEAK_FREE:
        rows = rows[rows["split"] == Split.TRAIN]
    arrays = {"images": (images, masks), "augmented_images": (augmented_images, augmented_masks)}
    parts = []
    for array, of_array in rows.groupby("array", sort=False):
        pixels, lungs = arrays[str(array)]
        measured = exploratory_features(pixels, lungs, of_array["row"].to_numpy())
        keys = of_array[["image_id", "label", "array", "row"]].reset_index(drop=True)
        parts.append(pd.concat([keys, measured], axis="columns"))
    return pd.concat(parts, ignore_index=True)


def compare_classes(
    features: pd.DataFrame,
    balanced_features: pd.DataFrame,
    published_anova: pd.DataFrame,
    published_tukey_luminosity: pd.DataFrame,
    published_tukey_contrast: pd.DataFrame,
    significance: SignificanceParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Annex 6 on all radiographs, and on the balanced, augmented ones, which the report mixed.

    Returns:
        Assumptions; analyses of variance; pairwise comparisons; each with a column `radiographs`
        (`all` or `balanced_augmented`) and the published figures beside ours.
    """
    five = list(EXPLORATORY_FEATURES)
    sets = {"all": features, BALANCED: balanced_features}
    anova = _on_each(sets, lambda frame: analyse_variance(frame, five))
    pairs = _on_each(sets, lambda frame: compare_pairs(frame, PAIRED_FEATURES, significance.alpha))
    tukey = dict(
        zip(PAIRED_FEATURES, (published_tukey_luminosity, published_tukey_contrast), strict=True)
    )
    return (
        _on_each(sets, lambda frame: check_assumptions(frame, five)),
        beside_published_anova(anova, published_anova),
        beside_published_pairs(pairs, tukey),
    )


def _on_each(
    sets: dict[str, pd.DataFrame], test: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    tables = []
    for name, frame in sets.items():
        table = test(frame)
        table.insert(0, "radiographs", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def write_annex_6(assumptions: pd.DataFrame, anova: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """Annex 6 as one readable page."""
    return render_annex_6(assumptions, anova, pairs)
