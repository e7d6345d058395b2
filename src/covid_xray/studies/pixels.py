"""The pixels that row lists point into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.augmentation import Augmentation, augment_pair
from covid_xray.progress import progress
from covid_xray.records import digest_stream
from covid_xray.sources import source_digest

Images = NDArray[np.uint8]

# What the column `array` of a row list may say: names of catalogued arrays, and of radiographs
# that are masked when they are read.
IMAGES = "images"
AUGMENTED_IMAGES = "augmented_images"
AUTOENCODED_IMAGES = "autoencoded_images"
MASKED_IMAGES = "masked_images"
PAIR_IMAGES = "pair_images"


@dataclass(frozen=True)
class MaskedImages:
    """Radiographs whose pixels outside the lungs are black, made when they are read.

    Attributes:
        images: uint8 array (n, side, side).
        lung_masks: 0/1 uint8 array of the same shape.
    """

    images: Images
    lung_masks: Images

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Type of the pixels."""
        return self.images.dtype

    def __getitem__(self, rows: NDArray[np.intp]) -> Images:
        """The masked pixels of some rows."""
        masked: Images = self.images[rows] * self.lung_masks[rows]
        return masked


@dataclass(frozen=True)
class AugmentedImages:
    """Augmented images that are made when they are read, and kept nowhere.

    Attributes:
        images: uint8 array (n, side, side) that holds their source images.
        lung_masks: 0/1 uint8 array of the same shape.
        plan: a row per augmented image, in order: `source_row` of `images`, `seed`.
        n_layers: transformations applied: zoom, + rotation, + contrast, + brightness.
        factor: amplitude of each, as Keras understands it.
        masked: whether they keep nothing but their lungs.
    """

    images: Images
    lung_masks: Images
    plan: pd.DataFrame
    n_layers: int
    factor: float
    masked: bool

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Type of the pixels."""
        return self.images.dtype

    def __getitem__(self, rows: NDArray[np.intp]) -> Images:
        """The augmented images of some rows of the plan, one or more."""
        return np.stack([self._make(source, seed) for source, seed in self._planned(rows)])

    def evidence(self, rows: NDArray[np.intp]) -> Iterator[Images | bytes]:
        """All that decides how the images of some rows will look."""
        sources = MaskedImages(self.images, self.lung_masks) if self.masked else self.images
        code = source_digest(augment_pair.__module__)
        for source, seed in self._planned(rows):
            yield sources[np.array(source)]
            yield f"{seed} {self.n_layers} {self.factor} {self.masked} {code}".encode()

    def _planned(self, rows: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
        planned = self.plan.iloc[rows]
        return zip(planned["source_row"].tolist(), planned["seed"].tolist(), strict=True)

    def _make(self, source: int, seed: int) -> Images:
        augmentation = Augmentation.of_report(self.n_layers, self.factor)
        pair = (self.images[source], self.lung_masks[source])
        pixels, lungs = augment_pair(*pair, seed, augmentation)
        return pixels * lungs if self.masked else pixels


Pixels = Images | MaskedImages | AugmentedImages
PixelArrays = Mapping[str, Pixels]


def read_batches(
    arrays: PixelArrays, rows: pd.DataFrame, batch_size: int, description: str
) -> Iterator[Images]:
    """Pixels of a row list, in its order, in batches of one array each.

    Args:
        arrays: the arrays by name.
        rows: table with `array` and `row`.
        batch_size: radiographs per batch at most.
        description: what the progress bar says.

    Yields:
        uint8 arrays (batch, side, side).

    Raises:
        ValueError: if an array is not of 8-bit grey values.
    """
    for name, numbers in _checked_chunks(arrays, rows, batch_size, description):
        yield arrays[name][numbers]


def _checked_chunks(
    arrays: PixelArrays, rows: pd.DataFrame, batch_size: int, description: str
) -> Iterable[tuple[str, NDArray[np.intp]]]:
    for name in rows["array"].unique():
        if arrays[name].dtype != np.uint8:
            raise ValueError(
                f"Array '{name}' holds {arrays[name].dtype}, where grey values 0-255 as uint8 are "
                "expected: a float array could hide NaN. Make it again with its pipeline."
            )
    chunks = list(_chunks(rows, batch_size))
    return progress(chunks, description, len(chunks))


def _chunks(rows: pd.DataFrame, batch_size: int) -> Iterator[tuple[str, NDArray[np.intp]]]:
    run_of_row = (rows["array"] != rows["array"].shift()).cumsum()
    for _, run in rows.groupby(run_of_row, sort=True):
        numbers = run["row"].to_numpy()
        for start in range(0, len(numbers), batch_size):
            yield run["array"].iloc[0], numbers[start : start + batch_size]


def digest_pixels(arrays: PixelArrays, rows: pd.DataFrame, batch_size: int = 512) -> str:
    """A fingerprint of a row list's pixels in their order, or of all that decides them."""
    chunks = _checked_chunks(arrays, rows, batch_size, "Fingerprint of the radiographs")
    # Radiograph by radiograph, so that the batches leave no trace.
    return digest_stream(part for name, numbers in chunks for part in _parts(arrays[name], numbers))


def _parts(
    array: Images | MaskedImages | AugmentedImages, numbers: NDArray[np.intp]
) -> Iterable[Images | bytes]:
    return array.evidence(numbers) if isinstance(array, AugmentedImages) else array[numbers]


def unique_rows(*lists: pd.DataFrame) -> pd.DataFrame:
    """Every radiograph that some row list has, once, array by array.

    Returns:
        `array, row`, by descending array and ascending row.
    """
    return (
        pd.concat(lists)[["array", "row"]]
        .drop_duplicates()
        .sort_values(["array", "row"], ascending=[False, True], ignore_index=True)
    )


def positions_in(stored: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.intp]:
    """Where each row of a list stands in another list.

    Args:
        stored: table with `array` and `row`, without repetitions.
        rows: table with `array` and `row`, all of them in `stored`.

    Raises:
        KeyError: if a row is not in `stored`.
    """
    index = pd.MultiIndex.from_frame(stored[["array", "row"]])
    positions = index.get_indexer(pd.MultiIndex.from_frame(rows[["array", "row"]]))
    if (positions < 0).any():
        absent = rows.loc[positions < 0, ["array", "row"]].iloc[0]
        raise KeyError(f"Row {absent['row']} of '{absent['array']}' is not among the stored ones.")
    return positions
