"""Nodes of the dimension reductions: eigen-images and autoencoders, and how much they remember.

Everything is fitted on training radiographs and scored on test radiographs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.published import published_value
from covid_xray.evaluation.reconstruction import Reconstruct, score_reconstructions
from covid_xray.imaging.arrays import RowStream
from covid_xray.models.settings import AutoencoderSettings
from covid_xray.pipelines.exploration.parameters import (
    EigenImageParameters,
    ExampleParameters,
    ReductionParameters,
)
from covid_xray.reduction.codes import encode_radiographs, fit_code_scaling, reconstruct_rows
from covid_xray.reduction.comparison import (
    CONVOLUTIONAL,
    DENSE,
    PCA,
    compare_methods,
    reconstruct_examples,
)
from covid_xray.reduction.eigen_images import EigenImages, fit_eigen_images
from covid_xray.split import Split
from covid_xray.studies.pixels import AUGMENTED_IMAGES, IMAGES
from covid_xray.studies.splits import draw_examples, kept_rows
from covid_xray.studies.variants import AUTOENCODED_FROM, select_variant

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Figure: TypeAlias = Any
KerasModel: TypeAlias = Any


def fit_principal_components(
    images: Images,
    splits: pd.DataFrame,
    reduction: ReductionParameters,
    eigen_images: EigenImageParameters,
) -> tuple[Floats, Floats, pd.DataFrame]:
    """Fit eigen-images on training radiographs.

    Returns:
        The mean radiograph, the eigen-images, and table `EXPLAINED_VARIANCE`.
    """
    fitted, shares = fit_eigen_images(
        images,
        kept_rows(splits, Split.TRAIN),
        side=reduction.side,
        n_components=eigen_images.n_components,
        batch_size=reduction.batch_size,
    )
    explained = pd.DataFrame(
        {
            "component": np.arange(1, len(shares) + 1),
            "explained_share": shares,
            "cumulative_share": shares.cumsum(),
        }
    )
    return fitted.mean, fitted.components, explained


def encode_with_eigen_images(
    images: Images,
    mean_radiograph: Floats,
    eigen_images: Floats,
    reduction: ReductionParameters,
) -> RowStream:
    """PCA codes of all radiographs."""
    fitted = EigenImages(mean_radiograph, eigen_images)
    return encode_radiographs(
        images,
        fitted.encode,
        code_length=len(eigen_images),
        side=fitted.side,
        batch_size=reduction.batch_size,
    )


def score_eigen_images(
    images: Images,
    splits: pd.DataFrame,
    mean_radiograph: Floats,
    eigen_images: Floats,
    reduction: ReductionParameters,
) -> pd.DataFrame:
    """SSIM and squared error of each test radiograph, reconstructed from its PCA code."""
    fitted = EigenImages(mean_radiograph, eigen_images)
    return _score(images, splits, fitted.reconstruct, fitted.side, reduction)


def fit_autoencoder(
    images: Images,
    splits: pd.DataFrame,
    reduction: ReductionParameters,
    settings: AutoencoderSettings,
) -> tuple[KerasModel, pd.DataFrame]:
    """Train an autoencoder on training radiographs.

    Returns:
        The autoencoder, and its losses by epoch.
    """
    from covid_xray.models.autoencoders import build_autoencoder
    from covid_xray.training.autoencoders import train_autoencoder
    from covid_xray.training.batches import SplitRows
    from covid_xray.training.fitting import without_training

    model = build_autoencoder(settings, reduction.side)
    history = train_autoencoder(
        model,
        images,
        rows=SplitRows(kept_rows(splits, Split.TRAIN), kept_rows(splits, Split.VALIDATION)),
        settings=settings,
    )
    return without_training(model), history


def encode_with_autoencoder(
    autoencoder: KerasModel, images: Images, reduction: ReductionParameters
) -> RowStream:
    """Codes of all radiographs."""
    from covid_xray.models.autoencoders import Autoencoder

    trained = Autoencoder(autoencoder)
    return encode_radiographs(
        images,
        trained.encode,
        code_length=trained.code_length,
        side=trained.side,
        batch_size=reduction.batch_size,
    )


def fit_scaling(
    codes: Floats, splits: pd.DataFrame, reduction: ReductionParameters
) -> pd.DataFrame:
    """Mean and scale of every dimension of the training radiographs' codes."""
    return fit_code_scaling(codes, kept_rows(splits, Split.TRAIN), reduction.batch_size)


def score_autoencoder(
    autoencoder: KerasModel, images: Images, splits: pd.DataFrame, reduction: ReductionParameters
) -> pd.DataFrame:
    """SSIM and squared error of each test radiograph, reconstructed by the autoencoder."""
    from covid_xray.models.autoencoders import Autoencoder

    trained = Autoencoder(autoencoder)
    return _score(images, splits, trained.reconstruct, trained.side, reduction)


def _score(
    images: Images,
    splits: pd.DataFrame,
    reconstruct: Reconstruct,
    side: int,
    reduction: ReductionParameters,
) -> pd.DataFrame:
    rows = kept_rows(splits, Split.TEST)
    scores = score_reconstructions(
        images, rows, reconstruct, side=side, batch_size=reduction.batch_size
    )
    keys = splits.loc[rows, ["image_id", "label"]].reset_index(drop=True)
    return pd.concat([keys, scores], axis="columns")


def compare_reductions(
    explained_variance: pd.DataFrame,
    eigen_reconstruction_scores: pd.DataFrame,
    dense_reconstruction_scores: pd.DataFrame,
    convolutional_reconstruction_scores: pd.DataFrame,
    published_figures: pd.DataFrame,
    intervals: Intervals,
) -> pd.DataFrame:
    """Each reduction's mean SSIM on test radiographs beside the published one."""
    scores = (
        eigen_reconstruction_scores,
        dense_reconstruction_scores,
        convolutional_reconstruction_scores,
    )
    return compare_methods(explained_variance, scores, published_figures, intervals)


def draw_principal_components(
    mean_radiograph: Floats,
    eigen_images: Floats,
    explained_variance: pd.DataFrame,
    published_figures: pd.DataFrame,
) -> tuple[Figure, Figure]:
    """The first eigen-images, and the variance that all explain."""
    from covid_xray.figures.reduction import draw_eigen_images, draw_explained_variance

    shares = explained_variance["explained_share"].to_numpy()
    return (
        draw_eigen_images(mean_radiograph, eigen_images, shares),
        draw_explained_variance(
            explained_variance,
            published_value(published_figures, "pca_cumulative_explained_variance"),
            int(published_value(published_figures, "pca_components")),
        ),
    )


def draw_autoencoder_curves(
    dense_history: pd.DataFrame, convolutional_history: pd.DataFrame
) -> Figure:
    """Learning curves of both autoencoders."""
    from covid_xray.figures.curves import draw_learning_curves

    return draw_learning_curves({DENSE: dense_history, CONVOLUTIONAL: convolutional_history})


def draw_reconstructions(
    images: Images,
    splits: pd.DataFrame,
    mean_radiograph: Floats,
    eigen_images: Floats,
    dense_autoencoder: KerasModel,
    convolutional_autoencoder: KerasModel,
    reduction: ReductionParameters,
    examples: ExampleParameters,
) -> tuple[Figure, Figure]:
    """Test radiographs beside their reconstructions.

    Returns:
        Figure 6, by PCA and the dense autoencoder; and Annex 10, by the convolutional one.
    """
    from covid_xray.figures import reduction as figures
    from covid_xray.models.autoencoders import Autoencoder

    labels = splits["label"].iloc[kept_rows(splits, Split.TEST)]
    rows = draw_examples(labels, examples.per_class, examples.seed)
    figure_6 = {
        PCA: EigenImages(mean_radiograph, eigen_images).reconstruct,
        DENSE: Autoencoder(dense_autoencoder).reconstruct,
    }
    annex_10 = {CONVOLUTIONAL: Autoencoder(convolutional_autoencoder).reconstruct}

    def draw(methods: Mapping[str, Reconstruct]) -> Figure:
        originals, copies, ssim = reconstruct_examples(images, rows, methods, reduction.side)
        shown = labels.loc[rows.tolist()].tolist()
        return figures.draw_reconstructions(originals, copies, shown, ssim)

    return draw(figure_6), draw(annex_10)


def autoencode_variant(
    convolutional_autoencoder: KerasModel,
    images: Images,
    augmented_images: Images,
    study_variants: pd.DataFrame,
    reduction: ReductionParameters,
) -> RowStream:
    """The radiographs of the autoencoded variant: reconstructions of the Laplacian variant's.

    Returns:
        uint8 array (n, side, side), in the order of the variant's rows.
    """
    from covid_xray.models.autoencoders import Autoencoder

    trained = Autoencoder(convolutional_autoencoder)
    return reconstruct_rows(
        {IMAGES: images, AUGMENTED_IMAGES: augmented_images},
        select_variant(study_variants, AUTOENCODED_FROM),
        trained.reconstruct,
        side=trained.side,
        batch_size=reduction.batch_size,
    )
