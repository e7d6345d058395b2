"""Trunk activations that know what they were computed from, so that none is used when stale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream


class StaleFeaturesError(ValueError):
    """Cached activations of other images, weights or parameters; the message says which."""


@dataclass(frozen=True)
class TrunkFeatures:
    """Activations at the cut, one flat row per image.

    Attributes:
        key: what they were computed from, by name; equal keys mean equal activations.
        rows: array (n, features), or the stream that will fill one.
    """

    key: Mapping[str, str | int]
    rows: RowStream | NDArray[np.generic]

    def checked(self, key: Mapping[str, str | int]) -> NDArray[np.generic]:
        """The activations, if they were computed from what `key` says.

        Raises:
            StaleFeaturesError: if they were not.
        """
        names = dict.fromkeys([*key, *self.key])
        changed = [name for name in names if self.key.get(name) != key.get(name)]
        if changed:
            raise StaleFeaturesError(
                "The cached trunk features were computed from other values of "
                f"{', '.join(changed)}. Run the node that extracts them again: "
                "`kedro run --pipelines modeling` without --only-missing-outputs and without "
                "--from-nodes keeps what is still good and computes the rest."
            )
        assert not isinstance(self.rows, RowStream)  # a stream has not been saved yet
        return self.rows
