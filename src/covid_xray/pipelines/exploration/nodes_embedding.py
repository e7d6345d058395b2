"""Nodes that project codes to two and three dimensions, with a number beside each picture."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.embedding import score_embedding
from covid_xray.pipelines.exploration.parameters import EmbeddingParameters, ReductionParameters
from covid_xray.reduction.codes import project_codes, scale_codes
from covid_xray.reduction.tsne import project_tsne
from covid_xray.split import Split
from covid_xray.studies.splits import kept_rows

Codes = NDArray[np.float32]
Figure: TypeAlias = Any
InteractiveFigure: TypeAlias = Any

PLANE = ["x", "y"]
SPACE = ["x", "y", "z"]
IN_PLANE = "dense codes, t-SNE in 2-D"
IN_SPACE = "convolutional codes in 3-D"


def project_to_plane(
    dense_codes: Codes,
    dense_code_scaling: pd.DataFrame,
    splits: pd.DataFrame,
    radiograph_index: pd.DataFrame,
    embedding: EmbeddingParameters,
) -> pd.DataFrame:
    """t-SNE of the dense autoencoder's codes (Figure 7), table `TSNE_POINTS`."""
    rows = kept_rows(splits)
    scaled = scale_codes(dense_codes[rows], dense_code_scaling)
    plane = project_tsne(scaled, perplexity=embedding.perplexity, seed=embedding.seed)
    return _points(radiograph_index, splits, rows).assign(x=plane[:, 0], y=plane[:, 1])


def project_to_space(
    convolutional_codes: Codes,
    convolutional_code_scaling: pd.DataFrame,
    splits: pd.DataFrame,
    radiograph_index: pd.DataFrame,
    reduction: ReductionParameters,
    embedding: EmbeddingParameters,
) -> tuple[Codes, pd.DataFrame]:
    """Principal components of the convolutional codes; the first three are Annex 11's space.

    Returns:
        The components of every radiograph, and table `LATENT_POINTS`.
    """
    components = project_codes(
        convolutional_codes,
        convolutional_code_scaling,
        kept_rows(splits, Split.TRAIN),
        n_components=embedding.latent_components,
        batch_size=reduction.batch_size,
    )
    rows = kept_rows(splits)
    space = dict(zip(SPACE, components[rows, :3].T, strict=True))
    return components, _points(radiograph_index, splits, rows).assign(**space)


def score_embeddings(
    eigen_codes: Codes,
    dense_codes: Codes,
    dense_code_scaling: pd.DataFrame,
    latent_components: Codes,
    tsne_points: pd.DataFrame,
    latent_points: pd.DataFrame,
    splits: pd.DataFrame,
    embedding: EmbeddingParameters,
) -> pd.DataFrame:
    """Separation of the classes in every code and projection, against shuffled labels."""
    rows = kept_rows(splits)
    labels = splits["label"].iloc[rows].to_numpy()
    points: dict[str, NDArray[Any]] = {
        "PCA codes": eigen_codes[rows],
        "dense codes": scale_codes(dense_codes[rows], dense_code_scaling),
        IN_PLANE: tsne_points[PLANE].to_numpy(),
        "convolutional codes, principal components": latent_components[rows],
        IN_SPACE: latent_points[SPACE].to_numpy(),
    }
    settings = embedding.model_dump(exclude={"perplexity", "latent_components"})
    scores = [
        {"embedding": name, **score_embedding(of_name, labels, **settings)}
        for name, of_name in points.items()
    ]
    return pd.DataFrame(scores)


def draw_embeddings(
    tsne_points: pd.DataFrame, latent_points: pd.DataFrame, embedding_scores: pd.DataFrame
) -> tuple[Figure, InteractiveFigure, InteractiveFigure]:
    """Figure 7, for print and interactive, and Annex 11."""
    from covid_xray.figures.embeddings import (
        draw_embedding,
        draw_embedding_interactive,
        draw_latent_space,
    )

    plane = "t-SNE of the dense autoencoder's codes"
    space = "Convolutional codes: three principal components"
    in_words = {row["embedding"]: _in_words(row) for _, row in embedding_scores.iterrows()}
    in_plane = in_words[IN_PLANE]
    return (
        draw_embedding(tsne_points, plane, in_plane),
        draw_embedding_interactive(tsne_points, plane, in_plane),
        draw_latent_space(latent_points, space, in_words[IN_SPACE]),
    )


def _in_words(row: pd.Series) -> str:
    # An empty note is a missing value once it has been a CSV file.
    if isinstance(row["note"], str) and row["note"]:
        return row["note"]
    return (
        f"silhouette {row['silhouette']:.2f} (shuffled labels {row['silhouette_shuffled']:.2f}), "
        f"neighbours of the same class {row['knn_purity']:.0%} "
        f"(shuffled {row['knn_purity_shuffled']:.0%})"
    )


def _points(
    radiograph_index: pd.DataFrame, splits: pd.DataFrame, rows: NDArray[np.intp]
) -> pd.DataFrame:
    described = radiograph_index.iloc[rows][["image_id", "label", "source"]].reset_index(drop=True)
    return described.assign(split=splits["split"].iloc[rows].to_numpy())
