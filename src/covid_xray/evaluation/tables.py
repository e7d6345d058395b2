"""Tables that evaluations make, ours beside the published figures."""

from __future__ import annotations

import pandera.pandas as pa

from covid_xray.tables import IMAGE_ID, LABEL, NOTE, ROW, Maybe, Number, Text, Whole, table

_RADIOGRAPHS = {"radiographs": Text(description="all, or balanced_augmented")}
_FEATURE = {"feature": Text(description="the feature that is compared between classes")}
_VARIANCE = _FEATURE | {
    "n_groups": Whole(description="classes with a value"),
    "n": Whole(description="radiographs with a value"),
    "df_between": Maybe(description="degrees of freedom between classes"),
    "df_within": Maybe(description="degrees of freedom within classes"),
    "f_statistic": Maybe(description="F of the classical analysis"),
    "p_value": Maybe(description="its p-value"),
    "eta_squared": Maybe(description="share of the variance between classes"),
    "welch_f": Maybe(description="F of Welch's test"),
    "welch_df_within": Maybe(description="its degrees of freedom within classes"),
    "welch_p_value": Maybe(description="its p-value"),
    "note": NOTE,
}
VARIANCE = table("a feature", _VARIANCE)
ANNEX_6_ANOVA = table(
    "a feature on a set of radiographs",
    _RADIOGRAPHS
    | _VARIANCE
    | {
        "f_statistic_published": Maybe(description="the report's F"),
        "p_value_published": Maybe(description="the report's p-value"),
    },
)
ANNEX_6_ASSUMPTIONS = table(
    "a test of an assumption, of a feature, on a set of radiographs",
    _RADIOGRAPHS
    | _FEATURE
    | {
        "test": Text(description="levene, bartlett or normality"),
        "label": Text(description="class, or all"),
        "n": Whole(description="radiographs with a value"),
        "statistic": Maybe(description="the test's statistic"),
        "p_value": Maybe(description="its p-value; small: the assumption fails"),
        "note": NOTE,
    },
)
ANNEX_6_PAIRS = table(
    "two classes compared by a feature, on a set of radiographs",
    _RADIOGRAPHS
    | _FEATURE
    | {
        "method": Text(description="tukey or games_howell"),
        "group_1": Text(description="the first class"),
        "group_2": Text(description="the second"),
        "n_1": Whole(description="radiographs of the first"),
        "n_2": Whole(description="radiographs of the second"),
        "mean_diff": Maybe(description="mean of the second minus that of the first"),
        "p_adj": Maybe(description="p-value, adjusted for all pairs"),
        "lower": Maybe(description="lower bound of the difference"),
        "upper": Maybe(description="upper bound"),
        "reject": pa.Column(nullable=True, description="whether the means differ"),
        "note": NOTE,
    }
    | {
        f"{figure}_published": pa.Column(nullable=True, description="the report's")
        for figure in ("mean_diff", "p_adj", "lower", "upper", "reject")
    },
)
RECONSTRUCTION_SCORES = table(
    "a test radiograph, reconstructed from its code",
    {
        "image_id": IMAGE_ID,
        "label": LABEL,
        "row": ROW,
        "ssim": Number(description="structural similarity with the original, -1 to 1"),
        "mean_squared_error": Number(description="squared difference, grey 0-1"),
    },
)
EMBEDDING_SCORES = table(
    "a code or projection of the radiographs",
    {
        "embedding": Text(description="which one"),
        "n_radiographs": Whole(description="radiographs that are scored"),
        "n_dimensions": Whole(description="its dimensions"),
        "silhouette": Maybe(description="mean silhouette, -1 to 1"),
        "silhouette_shuffled": Maybe(description="the same, mean under shuffled labels"),
        "silhouette_shuffled_highest": Maybe(description="the same, highest"),
        "knn_purity": Maybe(description="share of neighbours of the same class, by class"),
        "knn_purity_shuffled": Maybe(description="the same, mean under shuffled labels"),
        "knn_purity_shuffled_highest": Maybe(description="the same, highest"),
        "note": NOTE,
    },
)
SEGMENTATION_SCORES = table(
    "a method, a class and a score",
    {
        "method": Text(description="U-Net, or what looks at no radiograph"),
        "label": Text(description="class, or all"),
        "score": Text(description="pixel_accuracy, dice, iou or hausdorff (pixels)"),
        "mean": Maybe(description="mean over test pairs"),
        "low": Maybe(description="lower bound of its interval"),
        "high": Maybe(description="upper bound"),
        "n_pairs": Whole(description="pairs behind the mean"),
        "note": NOTE,
        "published": Maybe(description="the report's"),
    },
)
