"""A trunk's activations, which know what they were computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream
from covid_xray.records import Record, StaleError, changes


@dataclass(frozen=True)
class Activations:
    """Activations at the cut, one flat row per radiograph.

    Attributes:
        record: what they were computed from; equal records mean equal activations.
        rows: array (n, features), or the stream that will fill one.
    """

    record: Record
    rows: RowStream | NDArray[np.generic]

    def checked(self, record: Record) -> NDArray[np.generic]:
        """The activations, if they were computed from what `record` says.

        Raises:
            StaleError: if they were not.
        """
        differences = changes(self.record, record)
        if differences:
            raise StaleError(
                "The trunk's activations were computed from something else "
                f"({'; '.join(differences)}). Run the node that extracts them again: a plain "
                "`kedro run` of the pipeline that makes them, without --from-nodes."
            )
        assert not isinstance(self.rows, RowStream)  # a stream has not been saved yet
        return self.rows
