"""The pipeline `exploration`: description, Annex 6, and a template for an autoencoder, twice."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.dotted_names import dotted_names
from covid_xray.pipelines.exploration.annex_6 import (
    compare_classes,
    measure_balanced_study,
    write_annex_6,
)
from covid_xray.pipelines.exploration.describing import (
    draw_augmentation_examples,
    draw_duplicate_pairs,
    draw_features,
    draw_mask_examples,
    draw_sharpness,
    draw_study,
    draw_threshold_examples,
)
from covid_xray.pipelines.exploration.projecting import (
    draw_embeddings,
    project_to_plane,
    project_to_space,
    score_embeddings,
)
from covid_xray.pipelines.exploration.reducing import (
    autoencode_variant,
    compare_reductions,
    draw_annex_10,
    draw_autoencoder_curves,
    draw_figure_6,
    draw_principal_components,
    encode_with_autoencoder,
    encode_with_eigen_images,
    fit_autoencoder,
    fit_principal_components,
    fit_scaling,
    score_autoencoder,
    score_eigen_images,
)

AUTOENCODERS = ("dense", "convolutional")
_REDUCTION = "params:exploration.reduction"
_EXAMPLES = "params:exploration.examples"
_EMBEDDING = "params:exploration.embedding"


def description() -> Pipeline:
    """What the study is like: Figures 1-5, 8 and 9, Annex 5, sharpness."""
    return Pipeline(
        [
            Node(
                draw_study,
                inputs="radiograph_index",
                outputs=["figure_1_sources", "figure_2_class_counts"],
                name="draw_study",
            ),
            Node(
                draw_features,
                inputs="radiograph_features",
                outputs=["figure_3_luminosity", "figure_4_rms_contrast", "figure_5_mask_area"],
                name="draw_features",
            ),
            Node(
                draw_mask_examples,
                inputs=["radiograph_index", "images", "masks", _EXAMPLES],
                outputs="annex_5_lung_masks",
                name="draw_mask_examples",
            ),
            Node(
                draw_duplicate_pairs,
                inputs=["duplicate_pairs", "radiograph_index", "images", _EXAMPLES],
                outputs="figure_8_duplicates",
                name="draw_duplicate_pairs",
            ),
            Node(
                draw_augmentation_examples,
                inputs=["images", "splits", "params:augmentation", _EXAMPLES],
                outputs="figure_9_augmentations",
                name="draw_augmentation_examples",
            ),
            Node(
                draw_sharpness,
                inputs=[
                    "radiograph_features",
                    "sharpness",
                    "published_figures",
                    "params:sharpness",
                ],
                outputs=["laplacian_distribution", "laplacian_kept_share"],
                name="draw_sharpness",
            ),
            Node(
                draw_threshold_examples,
                inputs=["radiograph_features", "images", "params:sharpness", _EXAMPLES],
                outputs="laplacian_threshold_examples",
                name="draw_threshold_examples",
            ),
        ]
    )


def annex_6() -> Pipeline:
    """Do the classes differ in the five exploratory features?"""
    return Pipeline(
        [
            Node(
                measure_balanced_study,
                inputs=[
                    "images",
                    "masks",
                    "augmented_images",
                    "augmented_masks",
                    "study_variants",
                    "params:splitting",
                ],
                outputs="balanced_features",
                name="measure_balanced_study",
            ),
            Node(
                compare_classes,
                inputs=[
                    "radiograph_features",
                    "balanced_features",
                    "published_annex_6_anova",
                    "published_annex_6_tukey_luminosity",
                    "published_annex_6_tukey_contrast",
                    "params:exploration.significance",
                ],
                outputs=["annex_6_assumptions", "annex_6_anova", "annex_6_pairs"],
                name="compare_classes",
            ),
            Node(
                write_annex_6,
                inputs=["annex_6_assumptions", "annex_6_anova", "annex_6_pairs"],
                outputs="annex_6",
                name="write_annex_6",
            ),
        ]
    )


def principal_components() -> Pipeline:
    """Report A's PCA."""
    return Pipeline(
        [
            Node(
                fit_principal_components,
                inputs=["images", "splits", _REDUCTION, "params:exploration.eigen_images"],
                outputs=["mean_radiograph", "eigen_images", "explained_variance"],
                name="fit_principal_components",
            ),
            Node(
                encode_with_eigen_images,
                inputs=["images", "mean_radiograph", "eigen_images", _REDUCTION],
                outputs="eigen_codes",
                name="encode_with_eigen_images",
            ),
            Node(
                score_eigen_images,
                inputs=["images", "splits", "mean_radiograph", "eigen_images", _REDUCTION],
                outputs="eigen_reconstruction_scores",
                name="score_eigen_images",
            ),
            Node(
                draw_principal_components,
                inputs=[
                    "mean_radiograph",
                    "eigen_images",
                    "explained_variance",
                    "published_figures",
                ],
                outputs=["eigen_images_figure", "explained_variance_figure"],
                name="draw_principal_components",
            ),
        ]
    )


def autoencoder_template() -> Pipeline:
    """Train an autoencoder, encode all radiographs, and score its reconstructions."""
    return Pipeline(
        [
            Node(
                fit_autoencoder,
                inputs=["images", "splits", "params:reduction", "params:settings"],
                outputs=["autoencoder", "history"],
                name="fit_autoencoder",
            ),
            Node(
                encode_with_autoencoder,
                inputs=["autoencoder", "images", "params:reduction"],
                outputs="codes",
                name="encode_with_autoencoder",
            ),
            Node(
                fit_scaling,
                inputs=["codes", "splits", "params:reduction"],
                outputs="code_scaling",
                name="fit_scaling",
            ),
            Node(
                score_autoencoder,
                inputs=["autoencoder", "images", "splits", "params:reduction"],
                outputs="reconstruction_scores",
                name="score_autoencoder",
            ),
        ]
    )


def comparison() -> Pipeline:
    """The reductions side by side: Figures 6 and 7, Annexes 10 and 11, and their numbers."""
    return Pipeline(
        [
            Node(
                compare_reductions,
                inputs=[
                    "explained_variance",
                    "published_figures",
                    "params:intervals",
                    "eigen_reconstruction_scores",
                    "dense_reconstruction_scores",
                    "convolutional_reconstruction_scores",
                ],
                outputs="reduction_comparison",
                name="compare_reductions",
            ),
            Node(
                draw_autoencoder_curves,
                inputs=["dense_history", "convolutional_history"],
                outputs="autoencoder_learning_curves",
                name="draw_autoencoder_curves",
            ),
            Node(
                draw_figure_6,
                inputs=[
                    "images",
                    "splits",
                    "mean_radiograph",
                    "eigen_images",
                    "dense_autoencoder",
                    _REDUCTION,
                    _EXAMPLES,
                ],
                outputs="figure_6_reconstructions",
                name="draw_figure_6",
            ),
            Node(
                draw_annex_10,
                inputs=["images", "splits", "convolutional_autoencoder", _REDUCTION, _EXAMPLES],
                outputs="annex_10_reconstructions",
                name="draw_annex_10",
            ),
            Node(
                project_to_plane,
                inputs=[
                    "dense_codes",
                    "dense_code_scaling",
                    "splits",
                    "radiograph_index",
                    _EMBEDDING,
                ],
                outputs="tsne_points",
                name="project_to_plane",
            ),
            Node(
                project_to_space,
                inputs=[
                    "convolutional_codes",
                    "convolutional_code_scaling",
                    "splits",
                    "radiograph_index",
                    _REDUCTION,
                    _EMBEDDING,
                ],
                outputs=["latent_components", "latent_points"],
                name="project_to_space",
            ),
            Node(
                score_embeddings,
                inputs=[
                    "eigen_codes",
                    "dense_codes",
                    "dense_code_scaling",
                    "latent_components",
                    "tsne_points",
                    "latent_points",
                    "splits",
                    _EMBEDDING,
                ],
                outputs="embedding_scores",
                name="score_embeddings",
            ),
            Node(
                draw_embeddings,
                inputs=["tsne_points", "latent_points", "embedding_scores"],
                outputs=["figure_7_tsne", "figure_7_interactive", "annex_11_latent_space"],
                name="draw_embeddings",
            ),
            Node(
                autoencode_variant,
                inputs=[
                    "convolutional_autoencoder",
                    "images",
                    "augmented_images",
                    "study_variants",
                    _REDUCTION,
                ],
                outputs="autoencoded_images",
                name="autoencode_variant",
            ),
        ]
    )


def create_pipeline() -> Pipeline:
    """Everything that Report A shows before it classifies."""
    autoencoders = [
        Pipeline(
            autoencoder_template(),
            namespace=f"exploration.{kind}",
            inputs={"images", "splits"},
            parameters={
                "params:reduction": _REDUCTION,
                "params:settings": f"params:exploration.autoencoders.{kind}",
            },
        )
        for kind in AUTOENCODERS
    ]
    parts = [
        description(),
        annex_6(),
        principal_components(),
        *autoencoders,
        _reading_autoencoders(comparison()),
    ]
    return sum(parts, Pipeline([]))


def _reading_autoencoders(shared: Pipeline) -> Pipeline:
    """Let `dense_codes` be the template's `exploration.dense.codes`, and so on."""
    names = {name: name for name in shared.inputs() if not name.startswith("params:")}
    for kind in AUTOENCODERS:
        for name in names:
            if name.startswith(f"{kind}_"):
                names[name] = f"exploration.{kind}.{name.removeprefix(f'{kind}_')}"
    with dotted_names():
        return Pipeline(shared, inputs=names)
