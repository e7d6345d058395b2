"""Near copies of a radiograph, as re-uploads and re-exports make them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import cv2
import imagehash
import numpy as np
from PIL import Image

from covid_xray.phantom.drawing import Grey

_MAX_HASH_DISTANCE = 2


def first_alike(source: Grey, candidates: Iterator[Grey]) -> Grey:
    """First candidate whose perceptual hash stays near the source's.

    A bit of the hash can sit on the edge of flipping. A planted copy must be one that a duplicate
    search by perceptual hash can find; otherwise it would test luck rather than the search.
    """
    wanted = imagehash.phash(Image.fromarray(source))
    for candidate in candidates:
        if imagehash.phash(Image.fromarray(candidate)) - wanted <= _MAX_HASH_DISTANCE:
            return candidate
    raise RuntimeError("no copy of the image stays alike: choose another seed")


def reencoded(source: Grey) -> Iterator[Grey]:
    """Yield JPEG round trips, the coarsest first."""
    for quality in (85, 87, 83, 90, 93, 96):
        _, data = cv2.imencode(".jpg", source, [cv2.IMWRITE_JPEG_QUALITY, quality])
        yield np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def shifted(source: Grey, rng: np.random.Generator) -> Iterator[Grey]:
    """Yield the image moved by one or two pixels with its brightness changed, in random order."""
    moves = [(dx, dy) for dx, dy in product(range(-2, 3), repeat=2) if (dx, dy) != (0, 0)]
    padded = np.pad(source, 2, mode="edge").astype(np.int16)
    for index in rng.permutation(len(moves)):
        dx, dy = moves[index]
        moved = padded[2 + dy : padded.shape[0] - 2 + dy, 2 + dx : padded.shape[1] - 2 + dx]
        change = int(rng.integers(2, 6)) * (1 if rng.integers(2) else -1)
        yield np.clip(moved + change, 0, 255).astype(np.uint8)
