"""Nodes of the dimension reductions: eigen-images and autoencoders, and how much they remember.

Everything is fitted on training radiographs and scored on test radiographs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals, mean_interval
from covid_xray.evaluation.published import published_value
from covid_xray.evaluation.reconstruction import Reconstruct, score_reconstructions
from covid_xray.imaging.arrays import RowStream, row_batches
from covid_xray.imaging.resizing import resize_rows
from covid_xray.models.settings import AutoencoderSettings
from covid_xray.pipelines.exploration.parameters import (
    EigenImageParameters,
    ExampleParameters,
    ReductionParameters,
)
from covid_xray.reduction.codes import encode_radiographs, fit_code_scaling
from covid_xray.reduction.eigen_images import EigenImages, fit_eigen_images
from covid_xray.split import Split
from covid_xray.studies.splits import draw_examples, kept_rows
from covid_xray.studies.variants import AUTOENCODED_FROM, select_variant

Images = NDArray[np.uint8]
Codes = NDArray[np.float32]
Figure: TypeAlias = Any
KerasModel: TypeAlias = Any

# Each reduction, in the words of its figures, and what the report published of it.
METHODS = {
    "eigen_images": ("PCA", None),
    "dense": ("dense autoencoder", "dense_autoencoder_mean_ssim"),
    "convolutional": ("convolutional autoencoder", "convolutional_autoencoder_mean_ssim"),
}


def fit_principal_components(
    images: Images,
    splits: pd.DataFrame,
    reduction: ReductionParameters,
    eigen_images: EigenImageParameters,
) -> tuple[NDArray[np.float32], NDArray[np.float32], pd.DataFrame]:
    """Fit eigen-images on training radiographs.

    Returns:
        The mean radiograph, the eigen-images, and `component, explained_share, cumulative_share`.
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
    mean_radiograph: NDArray[np.float32],
    eigen_images: NDArray[np.float32],
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
    mean_radiograph: NDArray[np.float32],
    eigen_images: NDArray[np.float32],
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
    from covid_xray.models.autoencoders import build_autoencoder, train_autoencoder

    model = build_autoencoder(settings, reduction.side)
    history = train_autoencoder(
        model,
        images,
        train_rows=kept_rows(splits, Split.TRAIN),
        validation_rows=kept_rows(splits, Split.VALIDATION),
        settings=settings,
    )
    return model, history


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


def fit_scaling(codes: Codes, splits: pd.DataFrame, reduction: ReductionParameters) -> pd.DataFrame:
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
    published: pd.DataFrame,
    intervals: Intervals,
    eigen_scores: pd.DataFrame,
    dense_scores: pd.DataFrame,
    convolutional_scores: pd.DataFrame,
) -> pd.DataFrame:
    """Each reduction's mean SSIM on test radiographs beside the published one.

    Returns:
        One row per method: `method, quantity, value, low, high, published, n_radiographs`; PCA's
        explained variance (on training radiographs, as published) comes first.
    """
    share = explained_variance["cumulative_share"].iloc[-1]
    rows: list[dict[str, Any]] = [
        {
            "method": METHODS["eigen_images"][0],
            "quantity": f"explained variance, {len(explained_variance)} components",
            "value": share,
            "published": published_value(published, "pca_cumulative_explained_variance"),
        }
    ]
    tables = (eigen_scores, dense_scores, convolutional_scores)
    for (method, quantity), scores in zip(METHODS.values(), tables, strict=True):
        ssim = scores["ssim"].to_numpy()
        low, high = mean_interval(ssim, intervals)
        known = published_value(published, quantity) if quantity else float("nan")
        rows.append(
            {
                "method": method,
                "quantity": "mean SSIM, test radiographs",
                "value": ssim.mean(),
                "low": low,
                "high": high,
                "published": known,
                "n_radiographs": len(ssim),
            }
        )
    columns = ["method", "quantity", "value", "low", "high", "published", "n_radiographs"]
    return pd.DataFrame(rows, columns=columns).astype({"n_radiographs": "Int64"})


def draw_principal_components(
    mean_radiograph: NDArray[np.float32],
    eigen_images: NDArray[np.float32],
    explained_variance: pd.DataFrame,
    published: pd.DataFrame,
) -> tuple[Figure, Figure]:
    """The first eigen-images, and the variance that all explain."""
    from covid_xray.figures.reduction import draw_eigen_images, draw_explained_variance

    shares = explained_variance["explained_share"].to_numpy()
    return (
        draw_eigen_images(mean_radiograph, eigen_images, shares),
        draw_explained_variance(
            explained_variance,
            published_value(published, "pca_cumulative_explained_variance"),
            int(published_value(published, "pca_components")),
        ),
    )


def draw_autoencoder_curves(dense: pd.DataFrame, convolutional: pd.DataFrame) -> Figure:
    """Learning curves of both autoencoders."""
    from covid_xray.figures.curves import draw_learning_curves

    names = [METHODS[kind][0] for kind in ("dense", "convolutional")]
    return draw_learning_curves(dict(zip(names, (dense, convolutional), strict=True)))


def draw_figure_6(
    images: Images,
    splits: pd.DataFrame,
    mean_radiograph: NDArray[np.float32],
    eigen_images: NDArray[np.float32],
    dense_autoencoder: KerasModel,
    reduction: ReductionParameters,
    examples: ExampleParameters,
) -> Figure:
    """Figure 6: test radiographs beside their reconstructions by PCA and dense autoencoder."""
    from covid_xray.models.autoencoders import Autoencoder

    methods = {
        METHODS["eigen_images"][0]: EigenImages(mean_radiograph, eigen_images).reconstruct,
        METHODS["dense"][0]: Autoencoder(dense_autoencoder).reconstruct,
    }
    return _draw_methods(images, splits, methods, reduction, examples)


def draw_annex_10(
    images: Images,
    splits: pd.DataFrame,
    convolutional_autoencoder: KerasModel,
    reduction: ReductionParameters,
    examples: ExampleParameters,
) -> Figure:
    """Annex 10: test radiographs and their reconstructions by the convolutional autoencoder."""
    from covid_xray.models.autoencoders import Autoencoder

    methods = {METHODS["convolutional"][0]: Autoencoder(convolutional_autoencoder).reconstruct}
    return _draw_methods(images, splits, methods, reduction, examples)


def _draw_methods(
    images: Images,
    splits: pd.DataFrame,
    methods: Mapping[str, Reconstruct],
    reduction: ReductionParameters,
    examples: ExampleParameters,
) -> Figure:
    from covid_xray.figures.reduction import draw_reconstructions

    labels = splits["label"].iloc[kept_rows(splits, Split.TEST)]
    rows = draw_examples(labels, examples.per_class, examples.seed)
    originals = resize_rows(images, rows, reduction.side)
    copies, ssim = {}, {}
    for name, reconstruct in methods.items():
        copies[name] = reconstruct(originals)
        scores = score_reconstructions(
            images, rows, reconstruct, side=reduction.side, batch_size=len(rows)
        )
        ssim[name] = scores["ssim"].to_numpy()
    return draw_reconstructions(originals, copies, labels.loc[rows.tolist()].tolist(), ssim)


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
    rows = select_variant(study_variants, AUTOENCODED_FROM)
    arrays = {"images": images, "augmented_images": augmented_images}

    def batches() -> Iterator[Images]:
        every = np.arange(len(rows))
        for batch in row_batches(every, reduction.batch_size, "Autoencoding radiographs"):
            pixels = [
                resize_rows(arrays[array], np.array([row]), trained.side)
                for array, row in zip(
                    rows["array"].iloc[batch], rows["row"].iloc[batch], strict=True
                )
            ]
            yield trained.reconstruct(np.concatenate(pixels))

    return RowStream((len(rows), trained.side, trained.side), np.uint8, batches())
