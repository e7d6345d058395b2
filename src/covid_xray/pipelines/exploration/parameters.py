"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from pydantic import Field

from covid_xray.parameters import StrictParameters


class ExampleParameters(StrictParameters):
    """Radiographs drawn for the montages.

    Attributes:
        per_class: radiographs of each class in a montage.
        duplicate_pairs: pairs in Figure 8, from the least to the most similar.
        augmented_images: augmented images per row of Figure 9.
        near_threshold: radiographs on each side of the Laplacian threshold.
        seed: seed of the draws.
    """

    per_class: int = Field(ge=1, le=8)
    duplicate_pairs: int = Field(ge=1, le=12)
    augmented_images: int = Field(ge=1, le=10)
    near_threshold: int = Field(ge=1, le=12)
    seed: int = Field(ge=0)


class ReductionParameters(StrictParameters):
    """What all dimension reductions share.

    Attributes:
        side: height and width of the radiographs that are reduced, in pixels.
        batch_size: radiographs read at a time.
    """

    side: int = Field(ge=16, le=512)
    batch_size: int = Field(ge=1)


class EigenImageParameters(StrictParameters):
    """Report A's PCA.

    Attributes:
        n_components: number of eigen-images.
    """

    n_components: int = Field(ge=2)


class EmbeddingParameters(StrictParameters):
    """Projections of codes and their scores.

    Attributes:
        perplexity: t-SNE's; lowered to a third of the radiographs where there are few.
        latent_components: principal components kept of the convolutional codes; the first three
            are Annex 11's projection.
        n_neighbours: neighbours of the class purity.
        n_shuffles: times that labels are shuffled.
        silhouette_rows: radiographs drawn for the silhouette, whose cost grows with their square.
        seed: seed of t-SNE, of the draw and of the shuffling.
    """

    perplexity: float = Field(gt=1)
    latent_components: int = Field(ge=3)
    n_neighbours: int = Field(ge=1)
    n_shuffles: int = Field(ge=1)
    silhouette_rows: int = Field(ge=10)
    seed: int = Field(ge=0)


class SignificanceParameters(StrictParameters):
    """Annex 6's tests.

    Attributes:
        alpha: family-wise error rate of the pairwise comparisons.
    """

    alpha: float = Field(gt=0, lt=1)
