"""Write a small synthetic study in the layout of the COVID-19 Radiography Database.

The study serves demonstrations and tests: it reads like the real one, carries the real one's
flaws (copies, blurred and broken files, hospitals and markers that betray the class), and comes
with ``truth.csv``, which says where each flaw was planted.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from covid_xray.phantom.drawing import CLASSES
from covid_xray.phantom.pictures import Picture, class_pictures, png
from covid_xray.phantom.plan import PhantomPlan
from covid_xray.whole import whole_folder

_PLANTED = ("marker", "blurred", "duplicate_of", "duplicate_kind", "defect")
TRUTH_FILE = "truth.csv"
PLAN_FILE = "plan.json"  # beside it: the plan that the study was written after


def write_phantom_study(folder: Path, plan: PhantomPlan) -> pd.DataFrame:
    """Write a whole study and its truth table; all of it appears at once or not at all.

    Args:
        folder: Where the study goes; it must not exist yet. Missing parents are created.
        plan: What to write. The same plan gives the same pixels and the same ``truth.csv``.

    Returns:
        One row per image file, as in ``folder/truth.csv``.
        Absent texts are empty, so read the file with ``keep_default_na=False``.

    Raises:
        FileExistsError: If ``folder`` exists.
        OSError: If the study can't be written; nothing is left behind then.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists: choose a new folder for the phantom study")
    with whole_folder(folder) as partial:
        return _write_into(partial, plan)


def _write_into(folder: Path, plan: PhantomPlan) -> pd.DataFrame:
    """Write every class, its metadata workbook and the truth table under ``folder``."""
    _keep_freed_memory()
    rows = []
    for label in CLASSES:
        for kind in ("images", "masks"):
            (folder / label / kind).mkdir(parents=True)
        for picture in class_pictures(plan, label):
            rows.append(_write_picture(folder, picture, plan.mask_side))
    truth = pd.DataFrame(rows)
    for name, of_class in truth.groupby("label"):
        _write_metadata(folder / f"{name}.metadata.xlsx", of_class, plan.side)
    truth.to_csv(folder / TRUTH_FILE, index=False, lineterminator="\n")
    (folder / PLAN_FILE).write_text(json.dumps(asdict(plan), indent=2) + "\n", encoding="utf-8")
    return truth


def _keep_freed_memory() -> None:
    """Have the C allocator reuse freed arrays of an image's size, which saves a third of the time.

    glibc maps and unmaps every large array afresh until it has seen a larger one freed. On other
    systems this does nothing.
    """
    np.empty(30 << 20, dtype=np.uint8)


def _write_picture(folder: Path, picture: Picture, mask_side: int) -> dict[str, object]:
    """Write one image and its mask, and return its row of the truth table."""
    name = f"{picture.image_id}.png"
    file = Path(picture.label, "images", name)
    encoded = picture.encode()
    (folder / file).write_bytes(encoded)
    if picture.mask is not None:
        size = (mask_side, mask_side)
        small = cv2.resize(picture.mask, size, interpolation=cv2.INTER_NEAREST)
        # The real database stores its masks as RGB.
        (folder / picture.label / "masks" / name).write_bytes(png(cv2.merge([small] * 3)))
    return {
        "file": file.as_posix(),
        "image_id": picture.image_id,
        "label": picture.label,
        "source": picture.hospital.name,
        "source_url": picture.hospital.url,
        "has_mask": picture.mask is not None,
        **{name: getattr(picture, name) for name in _PLANTED},
        "bytes": len(encoded),
    }


def _write_metadata(path: Path, truth: pd.DataFrame, side: int) -> None:
    """Write one class's workbook with the columns and the spelling of the real one."""
    # The real workbook says NORMAL-1 where the file is Normal-1.png.
    names = truth["image_id"].str.replace("Normal", "NORMAL")
    table = pd.DataFrame(
        {"FILE NAME": names, "FORMAT": "PNG", "SIZE": f"{side}*{side}", "URL": truth["source_url"]}
    )
    table.to_excel(path, index=False, engine="openpyxl")
