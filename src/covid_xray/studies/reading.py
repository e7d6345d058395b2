"""The single pass over a study's files: every picture is decoded, measured and stored once."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TypeVar

import cv2
import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray

from covid_xray.imaging.arrays import keep_rows, scratch_array
from covid_xray.imaging.decoding import decode_radiograph
from covid_xray.imaging.features import luminosity, lung_features, rms_contrast
from covid_xray.imaging.formats import LARGEST_MAX_PIXELS
from covid_xray.imaging.hashing import perceptual_hash
from covid_xray.imaging.mask_decoding import decode_lung_mask, join_lung_masks
from covid_xray.imaging.rejection import RejectedFileError, RejectionReason
from covid_xray.imaging.resizing import resize_lung_mask, resize_radiograph
from covid_xray.imaging.sharpness import laplacian_variance
from covid_xray.progress import progress
from covid_xray.studies.files import StudyError
from covid_xray.studies.layout import RadiographFile, RejectedFile
from covid_xray.studies.metadata import UNKNOWN_SOURCE
from covid_xray.studies.parameters import ReadingParameters
from covid_xray.studies.study import Person, RadiographyStudy
from covid_xray.tables import IMAGE_ID, LABEL, Flag, Maybe, MaybeText, Number, Text, Whole, table

logger = logging.getLogger(__name__)

RADIOGRAPH_INDEX = table(
    "a readable radiograph; row i describes row i of `images` and `masks`",
    {
        "image_id": IMAGE_ID,
        "label": LABEL,
        "file": Text(description="path inside the study"),
        "n_bytes": Whole(description="size of the file, bytes"),
        "height": Whole(description="height of the file's picture, pixels"),
        "width": Whole(description="width of the file's picture, pixels"),
        "bit_depth": Whole(description="bits per pixel that the file uses: 8, 12 or 16"),
        "channels": Whole(
            description="channels of the file: 1 grey or palette, 3 colour, one more with alpha"
        ),
        "has_mask": Flag(description="whether it has a usable lung mask"),
        "source": Text(description="where it was published, by a short name"),
        "source_url": Text(description="the same as an address; empty if unknown"),
        "patient_id": MaybeText(description="patient, as the metadata name them; missing if not"),
        "view": MaybeText(description="projection, such as PA; missing if not given"),
        "age": Maybe(description="age of the patient, years; missing if not given"),
        "sex": MaybeText(description="F or M; missing if not given"),
    },
)
RADIOGRAPH_FEATURES = table(
    "a radiograph of the index, measured at the size it came in",
    {
        "image_id": IMAGE_ID,
        "label": LABEL,
        "luminosity": Number(description="mean grey, 0-255"),
        "rms_contrast": Number(description="standard deviation of grey, 0-127.5"),
        "mask_area": Maybe(description="share of the picture that is lung; missing without a mask"),
        "masked_luminosity": Maybe(description="mean grey inside the lungs, 0-255"),
        "masked_contrast": Maybe(description="standard deviation of grey inside the lungs"),
        "laplacian_variance": Number(description="sharpness: variance of the Laplacian, grey²"),
        "perceptual_hash": pa.Column("uint64", description="pHash, 64 bits"),
        "n_bytes": Whole(description="size of the file, bytes"),
    },
)
REJECTED_FILES = table(
    "a file of the study that is left out",
    {
        "file": Text(description="path inside the study"),
        "label": LABEL,
        "kind": Text(description="radiograph, lung_mask, metadata or pair"),
        "reason": Text(description="one of the reasons in docs/decisions.md"),
        "detail": Text(description="what is wrong with it, in words"),
    },
)


# Of columns in which nothing may be known, and of unsigned numbers.
_TYPES = dict.fromkeys(("patient_id", "view", "sex"), "str") | {
    "age": "float64",
    "perceptual_hash": "uint64",
}


@dataclass(frozen=True)
class StudyReading:
    """What one pass over a study gives; row i of each array is row i of both tables.

    Attributes:
        index: table `RADIOGRAPH_INDEX`.
        features: table `RADIOGRAPH_FEATURES`.
        images: uint8 array (n, side, side), grey 0-255.
        masks: uint8 array (n, side, side), 1 in the lungs; zero where `has_mask` is false.
        rejected: table `REJECTED_FILES`.
    """

    index: pd.DataFrame
    features: pd.DataFrame
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    rejected: pd.DataFrame


_T = TypeVar("_T")
_Outcome = tuple[dict[str, object] | None, list[RejectedFile]]


def read_study(study: RadiographyStudy, reading: ReadingParameters) -> StudyReading:
    """Decode, measure, resize and store every radiograph and mask of a study.

    Files are handled in parallel by threads (OpenCV leaves Python's lock while it works) that
    write straight into arrays on disk, so memory does not grow with the study.

    Args:
        study: the opened study.
        reading: side of the stored arrays, threads, and where the arrays are built.

    Raises:
        StudyError: if not a single radiograph of a class can be read.
    """
    for note in study.notes:
        logger.warning("Metadata of %s: %s.", study.files.location, note)
    shape = (len(study.radiographs), reading.side, reading.side)
    images, masks = (scratch_array(shape, np.uint8, reading.scratch_folder) for _ in range(2))
    read = partial(_read_radiograph, study, images, masks, reading)
    outcomes = _in_parallel(read, len(study.radiographs), reading.workers)
    rejected = study.rejected + [file for _, files in outcomes for file in files]
    records = {row: record for row, (record, _) in enumerate(outcomes) if record}
    _check_every_class(study, {record["label"] for record in records.values()}, rejected)
    everything = pd.DataFrame(list(records.values())).astype(_TYPES)
    kept = np.array(list(records), dtype=np.intp)
    return StudyReading(
        index=everything[list(RADIOGRAPH_INDEX.columns)],
        features=everything[list(RADIOGRAPH_FEATURES.columns)],
        images=keep_rows(images, kept),  # type: ignore[arg-type]
        masks=keep_rows(masks, kept),  # type: ignore[arg-type]
        rejected=rejected_table(rejected),
    )


def rejected_table(rejected: list[RejectedFile]) -> pd.DataFrame:
    """Rejected files as the table `REJECTED_FILES`, whole columns even when it is empty."""
    rows = [astuple(file) for file in rejected]
    return pd.DataFrame(rows, columns=list(REJECTED_FILES.columns)).astype("str")


def _in_parallel(
    read: Callable[[int], _Outcome], n_files: int, workers: int | None
) -> list[_Outcome]:
    # OpenCV's own threads would compete with ours for the same processors.
    cv2_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
            return list(progress(pool.map(read, range(n_files)), "Reading radiographs", n_files))
    finally:
        cv2.setNumThreads(cv2_threads)


def _read_radiograph(
    study: RadiographyStudy,
    images: NDArray[np.generic],
    masks: NDArray[np.generic],
    reading: ReadingParameters,
    row: int,
) -> _Outcome:
    file = study.radiographs[row]
    decode = partial(decode_radiograph, min_side=reading.min_side)
    limit = reading.max_pixels
    radiograph, rejected = _decoded(study, file, "radiograph", file.path, decode, limit)
    if radiograph is None:
        return None, rejected
    pixels = radiograph.pixels
    mask, rejected = _read_mask(study, file, pixels.shape, limit)
    side = images.shape[1]
    images[row] = resize_radiograph(pixels, side)
    if mask is not None:
        masks[row] = resize_lung_mask(mask, (side, side))
    source, source_url = study.sources.get(file.image_id, (UNKNOWN_SOURCE, ""))
    record = {
        "image_id": file.image_id,
        "label": file.label,
        "file": str(file.path),
        "n_bytes": file.n_bytes,
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "bit_depth": radiograph.bit_depth,
        "channels": radiograph.channels,
        "has_mask": mask is not None,
        "source": source,
        "source_url": source_url,
        **asdict(study.people.get(file.image_id, Person())),
        **measure(pixels, mask),
    }
    return record, rejected


def read_pair(
    study: RadiographyStudy, image_id: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One radiograph, uint8, and its lung mask, 0/1 uint8, each at the size it came in.

    Args:
        study: the opened study.
        image_id: a radiograph with a usable mask.

    Raises:
        RejectedFileError: if one of the two files can't be used.
    """
    (file,) = (file for file in study.radiographs if file.image_id == image_id)
    # Its size was accepted when the study was read.
    limit = LARGEST_MAX_PIXELS
    content = _read_bytes(study, file.path, limit)
    pixels = decode_radiograph(content, min_side=2, max_pixels=limit).pixels
    mask, rejected = _read_mask(study, file, (pixels.shape[0], pixels.shape[1]), limit)
    if mask is None:
        detail = rejected[0].detail if rejected else f"{image_id} has no mask"
        raise RejectedFileError(RejectionReason.UNREADABLE_FILE, detail)
    return pixels, mask


def measure(pixels: NDArray[np.uint8], mask: NDArray[np.uint8] | None) -> dict[str, object]:
    """Every feature of one radiograph, at the size it came in.

    Args:
        pixels: uint8 array (height, width).
        mask: 0/1 uint8 array of any size with the same proportions, or None.
    """
    return {
        "luminosity": luminosity(pixels),
        "rms_contrast": rms_contrast(pixels),
        **asdict(lung_features(pixels, mask)),
        "laplacian_variance": laplacian_variance(pixels),
        "perceptual_hash": perceptual_hash(pixels),
    }


def _decoded(
    study: RadiographyStudy,
    file: RadiographFile,
    kind: str,
    path: PurePosixPath,
    decode: Callable[..., _T],
    max_pixels: int,
) -> tuple[_T | None, list[RejectedFile]]:
    try:
        return decode(_read_bytes(study, path, max_pixels), max_pixels=max_pixels), []
    except RejectedFileError as error:
        reason, detail = error.reason, error.detail
    except Exception as error:  # no single file stops a study
        reason, detail = RejectionReason.CORRUPT, f"{type(error).__name__}: {error}"
    return None, [RejectedFile(str(path), file.label, kind, reason, detail)]


def _read_mask(
    study: RadiographyStudy, file: RadiographFile, image_shape: tuple[int, int], max_pixels: int
) -> tuple[NDArray[np.uint8] | None, list[RejectedFile]]:
    """The mask of a radiograph, of both lungs or none; and its files that can't be used."""
    decode = partial(decode_lung_mask, image_shape=image_shape)
    read = [
        (path, *_decoded(study, file, "lung_mask", path, decode, max_pixels))
        for path in file.mask_paths
    ]
    masks = [mask for _, mask, _ in read if mask is not None]
    rejected = [refused for *_, files in read for refused in files]
    try:
        if not rejected:
            return join_lung_masks(masks) if masks else None, []
        reason, detail = RejectionReason.HALF_MASK, "the mask of the other lung can't be used"
    except RejectedFileError as error:
        reason, detail = error.reason, error.detail
    left_over = [str(path) for path, mask, _ in read if mask is not None]
    return None, rejected + [
        RejectedFile(path, file.label, "lung_mask", reason, detail) for path in left_over
    ]


def _read_bytes(study: RadiographyStudy, path: PurePosixPath, max_pixels: int) -> bytes:
    n_bytes = study.files.sizes[path]
    # Eight bytes hold any pixel, and 64 MiB any notes beside them.
    if n_bytes > 8 * max_pixels + 2**26:
        detail = f"{n_bytes:,} bytes, more than a picture of {max_pixels:,} pixels needs"
        raise RejectedFileError(RejectionReason.TOO_LARGE, detail)
    try:
        return study.files.read(path)
    except RejectedFileError:
        raise
    except Exception as error:  # OSError on disk; zlib and zipfile have errors of their own
        raise RejectedFileError(RejectionReason.UNREADABLE_FILE, str(error)) from error


def _check_every_class(
    study: RadiographyStudy, readable: set[object], rejected: list[RejectedFile]
) -> None:
    for label, n_files in study.describe().items():
        if label not in readable:
            refused = [file for file in rejected if file.label == label]
            reasons = sorted({str(file.reason) for file in refused})
            raise StudyError(
                f"None of the {n_files} files of class '{label}' in {study.files.location} can "
                f"be read ({', '.join(reasons)}). Of {refused[-1].path}: {refused[-1].detail}. "
                "Replace them, or leave the class out of "
                "`classes` in the catalog entry `radiography_study`."
            )
