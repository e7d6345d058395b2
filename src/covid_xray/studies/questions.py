"""The study's radiographs under the question that a network is asked (Report B)."""

from __future__ import annotations

import pandas as pd

from covid_xray.absence import CannotMakeError


def rows_of_question(splits: pd.DataFrame, target: str | None) -> pd.DataFrame:
    """The radiographs that are split, and their class as the network is to tell it.

    Args:
        splits: one row per radiograph: `image_id, group_id, label, split, kept`.
        target: class to tell from all others, which become `non-<target>`; None keeps all.

    Returns:
        `row` (in the study's arrays), `image_id, group_id, split, label`.

    Raises:
        CannotMakeError: if no radiograph is of the target class.
    """
    kept = splits[splits["kept"]]
    columns = ["image_id", "group_id", "split", "label"]
    rows = kept[columns].rename_axis("row").reset_index()
    if target is None:
        return rows
    if not (rows["label"] == target).any():
        raise CannotMakeError(
            f"the study has no class {target} to tell from the rest; its classes are "
            f"{', '.join(sorted(rows['label'].unique()))}."
        )
    return rows.assign(label=rows["label"].where(rows["label"] == target, rest_of(target)))


def rest_of(target: str) -> str:
    """Name of all classes but one, as the report writes it."""
    return f"non-{target}"
