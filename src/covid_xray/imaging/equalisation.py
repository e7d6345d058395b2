"""Histogram equalisation of radiographs (Report B, section Biais de luminosité).

Hospitals spread their radiographs over different ranges of grey; equalised ones all use the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from covid_xray.parameters import StrictParameters

Images: TypeAlias = NDArray[np.uint8]


class EqualisationSettings(StrictParameters):
    """How radiographs are equalised (Report B).

    Attributes:
        method: `global`, one histogram for the whole radiograph, as the report's examples show;
            `clahe`, one per tile with limited contrast (Zuiderveld, Graphics Gems IV, 1994);
            or `none`.
        clip_limit: of `clahe`: the most pixels of one grey level in a tile, as a multiple of the
            tile's mean over all levels.
        tiles: of `clahe`: tiles along each side of the radiograph.
    """

    method: Literal["global", "clahe", "none"]
    clip_limit: float = Field(default=2.0, gt=0)
    tiles: int = Field(default=8, ge=1)


def equalise(radiographs: Images, settings: EqualisationSettings) -> Images:
    """Equalise the histogram of each radiograph on its own (Report B).

    Args:
        radiographs: uint8 array (n, height, width).
        settings: the method.

    Returns:
        uint8 array (n, height, width), never the one given.

    Raises:
        ValueError: if the radiographs are not uint8, or the tiles do not divide their sides.
    """
    if radiographs.dtype != np.uint8:
        raise ValueError(
            f"Radiographs to equalise are {radiographs.dtype}: give grey levels 0-255 as uint8."
        )
    check_tiles(settings, radiographs.shape[1], radiographs.shape[2])
    equalised = np.array(radiographs)
    if settings.method != "none":
        clahe = cv2.createCLAHE(settings.clip_limit, (settings.tiles, settings.tiles))
        equalise_one = clahe.apply if settings.method == "clahe" else cv2.equalizeHist
        for place, radiograph in enumerate(radiographs):
            equalised[place] = equalise_one(radiograph)
    return equalised


def check_tiles(settings: EqualisationSettings, height: int, width: int) -> None:
    """Refuse sides, in pixels, that `clahe` can't cut into whole tiles.

    Raises:
        ValueError: naming both sides and the tiles.
    """
    # OpenCV would mirror the edges to fill the last tiles, a network's graph would not.
    if settings.method == "clahe" and (height % settings.tiles or width % settings.tiles):
        raise ValueError(
            f"{settings.tiles} tiles a side do not divide radiographs of {height} x {width} "
            "pixels: choose a number of tiles that divides both, or resize the radiographs."
        )


def grey_level_shares(
    images: Images, rows_of: Mapping[str, NDArray[np.intp]]
) -> dict[str, NDArray[np.float64]]:
    """Share of all pixels of some groups of radiographs that have each grey level.

    Args:
        images: uint8 array (n, height, width); read one by one.
        rows_of: rows of each group.

    Returns:
        Array (256,) per group.
    """
    shares = {}
    for group, rows in rows_of.items():
        counts = sum(
            (np.bincount(images[row].ravel(), minlength=256) for row in rows), np.zeros(256)
        )
        shares[group] = counts / counts.sum()
    return shares
