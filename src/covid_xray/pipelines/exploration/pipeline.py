"""The pipeline `exploration`: a box per part of Report A's exploration, and one page of all."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.pipelines.exploration import nodes_annex_6 as annex
from covid_xray.pipelines.exploration import nodes_description as describe
from covid_xray.pipelines.exploration import nodes_embedding as embedding
from covid_xray.pipelines.exploration import nodes_reduction as reduction
from covid_xray.pipelines.exploration.nodes_page import write_exploration_page
from covid_xray.steps import box, parameters, step, themselves

AUTOENCODERS = ("dense", "convolutional")
_REDUCTION = parameters(reduction="exploration.reduction")
_EXAMPLES = parameters(examples="exploration.examples")
_EMBEDDING = parameters(embedding="exploration.embedding")
_THRESHOLDS = parameters(thresholds="sharpness")


def create_pipeline() -> Pipeline:
    """Everything that Report A shows before it classifies."""
    parts = [description(), annex_6(), eigen_images(), *map(autoencoder, AUTOENCODERS), compared()]
    # The page shows every figure and table that nothing else here reads, so none stays outside.
    shown = (sum(parts, Pipeline([])).outputs() - {"autoencoded_images"}) | {"embedding_scores"}
    page = step(write_exploration_page, "exploration_page", **themselves(*sorted(shown)))
    return box("exploration", *parts, page)


def description() -> Pipeline:
    """What the study is like: Figures 1-5, 8 and 9, Annex 5, sharpness."""
    features = ["figure_3_luminosity", "figure_4_rms_contrast", "figure_5_mask_area"]
    sharpness = ["laplacian_distribution", "laplacian_kept_share", "laplacian_threshold_examples"]
    augmented = parameters("augmentation") | _EXAMPLES
    return box(
        "description",
        step(describe.draw_study, ["figure_1_sources", "figure_2_class_counts"]),
        step(describe.draw_features, features),
        step(describe.draw_mask_examples, "annex_5_lung_masks", **_EXAMPLES),
        step(describe.draw_duplicate_pairs, "figure_8_duplicates", **_EXAMPLES),
        step(describe.draw_augmentation_examples, "figure_9_augmentations", **augmented),
        step(describe.draw_sharpness, sharpness, **_THRESHOLDS, **_EXAMPLES),
    )


def annex_6() -> Pipeline:
    """Do the classes differ in the five exploratory features?"""
    tables = ["annex_6_assumptions", "annex_6_anova", "annex_6_pairs"]
    significance = parameters(significance="exploration.significance")
    return box(
        "annex_6",
        step(annex.measure_balanced_study, "balanced_features", **parameters("splitting")),
        step(annex.compare_classes, tables, **significance),
    )


def eigen_images() -> Pipeline:
    """Report A's PCA."""
    fitted = ["mean_radiograph", "eigen_images", "explained_variance"]
    drawn = ["eigen_images_figure", "explained_variance_figure"]
    settings = parameters(eigen_images="exploration.eigen_images") | _REDUCTION
    return box(
        "eigen_images",
        step(reduction.fit_principal_components, fitted, **settings),
        step(reduction.encode_with_eigen_images, "eigen_codes", **_REDUCTION),
        step(reduction.score_eigen_images, "eigen_reconstruction_scores", **_REDUCTION),
        step(reduction.draw_principal_components, drawn),
    )


def autoencoder(kind: str) -> Pipeline:
    """Train one of the autoencoders, encode all radiographs, and score its reconstructions."""
    settings = parameters(settings=f"exploration.autoencoders.{kind}") | _REDUCTION
    trained = {"autoencoder": f"{kind}_autoencoder"} | _REDUCTION
    codes = f"{kind}_codes"
    scaled = {"codes": codes} | _REDUCTION
    scores = f"{kind}_reconstruction_scores"
    return box(
        kind,
        step(reduction.fit_autoencoder, [trained["autoencoder"], f"{kind}_history"], **settings),
        step(reduction.encode_with_autoencoder, codes, **trained),
        step(reduction.fit_scaling, f"{kind}_code_scaling", **scaled),
        step(reduction.score_autoencoder, scores, **trained),
    )


def compared() -> Pipeline:
    """The reductions side by side: Figures 6 and 7, Annexes 10 and 11, and their numbers."""
    reconstructions = ["figure_6_reconstructions", "annex_10_reconstructions"]
    projected = ["latent_components", "latent_points"]
    embeddings = ["figure_7_tsne", "figure_7_interactive", "annex_11_latent_space"]
    return box(
        "comparison",
        step(reduction.compare_reductions, "reduction_comparison", **parameters("intervals")),
        step(reduction.draw_autoencoder_curves, "autoencoder_learning_curves"),
        step(reduction.draw_reconstructions, reconstructions, **_REDUCTION, **_EXAMPLES),
        step(embedding.project_to_plane, "tsne_points", **_EMBEDDING),
        step(embedding.project_to_space, projected, **_REDUCTION, **_EMBEDDING),
        step(embedding.score_embeddings, "embedding_scores", **_EMBEDDING),
        step(embedding.draw_embeddings, embeddings),
        step(reduction.autoencode_variant, "autoencoded_images", **_REDUCTION),
    )
