"""Nodes of Annex 6: do the classes differ in the five exploratory features, and how much?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.anova import analyse_variance, beside_published_anova, check_assumptions
from covid_xray.evaluation.pairwise import beside_published_pairs, compare_pairs
from covid_xray.imaging.features import EXPLORATORY_FEATURES
from covid_xray.pipelines.exploration.parameters import SignificanceParameters
from covid_xray.split import Protocol, Split
from covid_xray.studies.features import measure_rows
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.pixels import AUGMENTED_IMAGES, IMAGES
from covid_xray.studies.variants import BALANCED_AUGMENTED, select_variant

Images = NDArray[np.uint8]
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
        Table `ROW_FEATURES`. Under `leak_free` only training rows are balanced, so only they are
        measured.
    """
    rows = select_variant(study_variants, BALANCED_AUGMENTED)
    if splitting.protocol is Protocol.LEAK_FREE:
        rows = rows[rows["split"] == Split.TRAIN]
    pairs = {IMAGES: (images, masks), AUGMENTED_IMAGES: (augmented_images, augmented_masks)}
    return measure_rows(pairs, rows)


def compare_classes(
    radiograph_features: pd.DataFrame,
    balanced_features: pd.DataFrame,
    published_annex_6_anova: pd.DataFrame,
    published_annex_6_tukey_luminosity: pd.DataFrame,
    published_annex_6_tukey_contrast: pd.DataFrame,
    significance: SignificanceParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Annex 6 on all radiographs, and on the balanced, augmented ones, which the report mixed.

    Returns:
        Tables `ANNEX_6_ASSUMPTIONS`, `ANNEX_6_ANOVA` and `ANNEX_6_PAIRS`.
    """
    five = list(EXPLORATORY_FEATURES)
    sets = {"all": radiograph_features, BALANCED_AUGMENTED: balanced_features}
    anova = _on_each(sets, lambda frame: analyse_variance(frame, five))
    pairs = _on_each(sets, lambda frame: compare_pairs(frame, PAIRED_FEATURES, significance.alpha))
    published = (published_annex_6_tukey_luminosity, published_annex_6_tukey_contrast)
    return (
        _on_each(sets, lambda frame: check_assumptions(frame, five)),
        beside_published_anova(anova, published_annex_6_anova),
        beside_published_pairs(pairs, dict(zip(PAIRED_FEATURES, published, strict=True))),
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
