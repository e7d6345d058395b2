"""The pipeline `exploration`: a box per part of Report A's exploration, and one page of all."""

from __future__ import annotations

from functools import partial

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.exploration import nodes_annex_6 as annex
from covid_xray.pipelines.exploration import nodes_description as describe
from covid_xray.pipelines.exploration import nodes_embedding as embedding
from covid_xray.pipelines.exploration import nodes_reduction as reduction
from covid_xray.pipelines.exploration.nodes_page import write_exploration_page

AUTOENCODERS = ("dense", "convolutional")
_REDUCTION = "params:exploration.reduction"
_EXAMPLES = "params:exploration.examples"
_EMBEDDING = "params:exploration.embedding"
_EIGEN_IMAGES = ["mean_radiograph", "eigen_images"]
_ANNEX_6 = ["annex_6_assumptions", "annex_6_anova", "annex_6_pairs"]
# A box in Kedro-Viz, whose datasets keep their names.
box = partial(Pipeline, prefix_datasets_with_namespace=False)


def create_pipeline() -> Pipeline:
    """Everything that Report A shows before it classifies."""
    parts = sum(
        [
            box(description(), namespace="description"),
            box(annex_6(), namespace="annex_6"),
            box(eigen_images(), namespace="eigen_images"),
            *map(autoencoder, AUTOENCODERS),
            box(comparison(), namespace="comparison"),
        ],
        Pipeline([]),
    )
    # The page shows every figure and table that nothing else here reads, so none stays outside.
    shown = (parts.outputs() - {"autoencoded_images"}) | {"embedding_scores"}
    page = Node(
        write_exploration_page,
        inputs={name: name for name in sorted(shown, key=_figures_first)},
        outputs="exploration_page",
        name="write_exploration_page",
    )
    return box([parts, page], namespace="exploration")


def _figures_first(name: str) -> tuple[bool, str]:
    return not name.startswith("figure_"), name


def description() -> Pipeline:
    """What the study is like: Figures 1-5, 8 and 9, Annex 5, sharpness."""
    features, index = "radiograph_features", "radiograph_index"
    return Pipeline(
        [
            Node(
                describe.draw_study,
                inputs=index,
                outputs=["figure_1_sources", "figure_2_class_counts"],
                name="draw_study",
            ),
            Node(
                describe.draw_features,
                inputs=features,
                outputs=["figure_3_luminosity", "figure_4_rms_contrast", "figure_5_mask_area"],
                name="draw_features",
            ),
            Node(
                describe.draw_mask_examples,
                inputs=[index, "images", "masks", _EXAMPLES],
                outputs="annex_5_lung_masks",
                name="draw_mask_examples",
            ),
            Node(
                describe.draw_duplicate_pairs,
                inputs=["duplicate_pairs", index, "images", _EXAMPLES],
                outputs="figure_8_duplicates",
                name="draw_duplicate_pairs",
            ),
            Node(
                describe.draw_augmentation_examples,
                inputs=["images", "splits", "params:augmentation", _EXAMPLES],
                outputs="figure_9_augmentations",
                name="draw_augmentation_examples",
            ),
            Node(
                describe.draw_sharpness,
                inputs=[features, "sharpness", "published_figures", "params:sharpness"],
                outputs=["laplacian_distribution", "laplacian_kept_share"],
                name="draw_sharpness",
            ),
            Node(
                describe.draw_threshold_examples,
                inputs=[features, "images", "params:sharpness", _EXAMPLES],
                outputs="laplacian_threshold_examples",
                name="draw_threshold_examples",
            ),
        ]
    )


def annex_6() -> Pipeline:
    """Do the classes differ in the five exploratory features?"""
    augmented = ["augmented_images", "augmented_masks"]
    tukey = [f"published_annex_6_tukey_{feature}" for feature in ("luminosity", "contrast")]
    return Pipeline(
        [
            Node(
                annex.measure_balanced_study,
                inputs=["images", "masks", *augmented, "study_variants", "params:splitting"],
                outputs="balanced_features",
                name="measure_balanced_study",
            ),
            Node(
                annex.compare_classes,
                inputs=[
                    "radiograph_features",
                    "balanced_features",
                    "published_annex_6_anova",
                    *tukey,
                    "params:exploration.significance",
                ],
                outputs=_ANNEX_6,
                name="compare_classes",
            ),
        ]
    )


def eigen_images() -> Pipeline:
    """Report A's PCA."""
    return Pipeline(
        [
            Node(
                reduction.fit_principal_components,
                inputs=["images", "splits", _REDUCTION, "params:exploration.eigen_images"],
                outputs=[*_EIGEN_IMAGES, "explained_variance"],
                name="fit_principal_components",
            ),
            Node(
                reduction.encode_with_eigen_images,
                inputs=["images", *_EIGEN_IMAGES, _REDUCTION],
                outputs="eigen_codes",
                name="encode_with_eigen_images",
            ),
            Node(
                reduction.score_eigen_images,
                inputs=["images", "splits", *_EIGEN_IMAGES, _REDUCTION],
                outputs="eigen_reconstruction_scores",
                name="score_eigen_images",
            ),
            Node(
                reduction.draw_principal_components,
                inputs=[*_EIGEN_IMAGES, "explained_variance", "published_figures"],
                outputs=["eigen_images_figure", "explained_variance_figure"],
                name="draw_principal_components",
            ),
        ]
    )


def autoencoder(kind: str) -> Pipeline:
    """Train one of the autoencoders, encode all radiographs, and score its reconstructions."""
    model, codes, settings = (
        f"{kind}_autoencoder",
        f"{kind}_codes",
        f"exploration.autoencoders.{kind}",
    )
    nodes = [
        Node(
            reduction.fit_autoencoder,
            inputs=["images", "splits", _REDUCTION, f"params:{settings}"],
            outputs=[model, f"{kind}_history"],
            name="fit_autoencoder",
        ),
        Node(
            reduction.encode_with_autoencoder,
            inputs=[model, "images", _REDUCTION],
            outputs=codes,
            name="encode_with_autoencoder",
        ),
        Node(
            reduction.fit_scaling,
            inputs=[codes, "splits", _REDUCTION],
            outputs=f"{kind}_code_scaling",
            name="fit_scaling",
        ),
        Node(
            reduction.score_autoencoder,
            inputs=[model, "images", "splits", _REDUCTION],
            outputs=f"{kind}_reconstruction_scores",
            name="score_autoencoder",
        ),
    ]
    return box(nodes, namespace=kind)


def comparison() -> Pipeline:
    """The reductions side by side: Figures 6 and 7, Annexes 10 and 11, and their numbers."""
    dense = ["dense_codes", "dense_code_scaling"]
    convolutional = ["convolutional_codes", "convolutional_code_scaling"]
    methods = ("eigen", *AUTOENCODERS)
    return Pipeline(
        [
            Node(
                reduction.compare_reductions,
                inputs=[
                    "explained_variance",
                    *[f"{method}_reconstruction_scores" for method in methods],
                    "published_figures",
                    "params:intervals",
                ],
                outputs="reduction_comparison",
                name="compare_reductions",
            ),
            Node(
                reduction.draw_autoencoder_curves,
                inputs=["dense_history", "convolutional_history"],
                outputs="autoencoder_learning_curves",
                name="draw_autoencoder_curves",
            ),
            Node(
                reduction.draw_figure_6,
                inputs=[
                    "images",
                    "splits",
                    *_EIGEN_IMAGES,
                    "dense_autoencoder",
                    _REDUCTION,
                    _EXAMPLES,
                ],
                outputs="figure_6_reconstructions",
                name="draw_figure_6",
            ),
            Node(
                reduction.draw_annex_10,
                inputs=["images", "splits", "convolutional_autoencoder", _REDUCTION, _EXAMPLES],
                outputs="annex_10_reconstructions",
                name="draw_annex_10",
            ),
            Node(
                embedding.project_to_plane,
                inputs=[*dense, "splits", "radiograph_index", _EMBEDDING],
                outputs="tsne_points",
                name="project_to_plane",
            ),
            Node(
                embedding.project_to_space,
                inputs=[*convolutional, "splits", "radiograph_index", _REDUCTION, _EMBEDDING],
                outputs=["latent_components", "latent_points"],
                name="project_to_space",
            ),
            Node(
                embedding.score_embeddings,
                inputs=[
                    "eigen_codes",
                    *dense,
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
                embedding.draw_embeddings,
                inputs=["tsne_points", "latent_points", "embedding_scores"],
                outputs=["figure_7_tsne", "figure_7_interactive", "annex_11_latent_space"],
                name="draw_embeddings",
            ),
            Node(
                reduction.autoencode_variant,
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
