"""Predictions tables: a row is a held-out radiograph of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.split import Split

_PROBABILITY = "probability_"


def probability_column(label: str) -> str:
    """Name of the column that holds the predicted probability of a class."""
    return f"{_PROBABILITY}{label}"


def predicted_classes(predictions: pd.DataFrame) -> list[str]:
    """The classes of a predictions table, in the order of its `probability_<class>` columns.

    A column that is all NaN belongs to a class that only other runs know, and does not count.
    """
    columns = [str(name) for name in predictions if str(name).startswith(_PROBABILITY)]
    known = predictions[columns].notna().any()
    return [name.removeprefix(_PROBABILITY) for name in columns if known[name]]


def select_split(predictions: pd.DataFrame, split: Split = Split.TEST) -> pd.DataFrame:
    """The rows of one split.

    Raises:
        ValueError: there are none.
    """
    rows = predictions[predictions["split"] == split]
    if rows.empty:
        raise ValueError(f"the predictions have no radiographs of the {split} split")
    return rows


def groups_of(predictions: pd.DataFrame) -> pd.Series:
    """The duplicate group of each radiograph; one of its own where none is known."""
    own = pd.Series([f"row {row}" for row in range(len(predictions))], index=predictions.index)
    return predictions["group_id"].fillna(own) if "group_id" in predictions else own


def long_predictions(backbone: str, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Predictions tables by run as one long table, `backbone, run` first."""
    named = pd.concat(tables, names=["run"]).reset_index("run")
    named.insert(0, "backbone", backbone)
    return named.reset_index(drop=True)


def rows_by_run(table: pd.DataFrame, runs: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The rows of each run in a long table, renumbered from 0, in the order of `runs`."""
    return {run: table[table["run"] == run].reset_index(drop=True) for run in runs}


def prediction_table(
    rows: pd.DataFrame, probabilities: NDArray[np.floating], classes: Sequence[str]
) -> pd.DataFrame:
    """Predictions as a table.

    Args:
        rows: predicted radiographs, with `image_id, split, label`, and `group_id` where known.
        probabilities: array (len(rows), n_classes).
        classes: in the order of the model's outputs.

    Returns:
        `image_id, group_id, split, label, predicted`, and `probability_<class>` for each class.
    """
    columns = [name for name in ("image_id", "group_id", "split", "label") if name in rows]
    table = rows[columns].reset_index(drop=True)
    table["predicted"] = np.array(classes)[probabilities.argmax(axis=1)]
    return table.assign(
        **{probability_column(name): probabilities[:, i] for i, name in enumerate(classes)}
    )


def right_and_wrong(predictions: pd.DataFrame, of_each: int, seed: int) -> pd.DataFrame:
    """Some right, then some wrong test predictions, drawn at random; fewer where there are fewer.

    Args:
        predictions: of one run.
        of_each: how many are wanted of each.
        seed: seed of the draw.
    """
    test = predictions[predictions["split"] == Split.TEST].sample(frac=1, random_state=seed)
    is_right = test["predicted"] == test["label"]
    return pd.concat([test[is_right].head(of_each), test[~is_right].head(of_each)])


def predicted_positions(predictions: pd.DataFrame) -> NDArray[np.intp]:
    """Position of the likeliest class of each row, in the order of `predicted_classes`."""
    columns = [probability_column(label) for label in predicted_classes(predictions)]
    positions: NDArray[np.intp] = predictions[columns].to_numpy().argmax(axis=1)
    return positions
