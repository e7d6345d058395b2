"""Studies small enough to write for a test, and the pixels that go into them."""

import io
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import openpyxl
import pytest

from covid_xray.phantom.plan import PhantomPlan
from covid_xray.phantom.writing import write_phantom_study
from covid_xray.studies.files import FolderFiles
from covid_xray.studies.layout import read_layout

SHARES = {"train": 0.70, "validation": 0.15, "test": 0.15}


@pytest.fixture(scope="session")
def shares():
    return SHARES


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    """The smallest phantom study, as its folder and truth table; not to be written to."""
    folder = tmp_path_factory.mktemp("studies") / "phantom"
    plan = PhantomPlan(images_per_class=6, side=96, mask_side=144, blurred=4)
    return folder, write_phantom_study(folder, plan)


@pytest.fixture(scope="session")
def png():
    """Bytes of a PNG: of the given pixels, or of noise that the given number decides."""

    def encode(pixels=0):
        if isinstance(pixels, int):
            pixels = np.random.default_rng(pixels).integers(0, 256, (40, 40), dtype=np.uint8)
        return cv2.imencode(".png", pixels)[1].tobytes()

    return encode


@pytest.fixture
def write_study(tmp_path):
    """Writes files, given as path to bytes, into a folder `study` and returns it."""

    def write(contents):
        folder = tmp_path / "study"
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder

    return write


@pytest.fixture
def layout_of(write_study):
    """Layout of a folder with files of these names."""

    def read(names, classes=None):
        return read_layout(FolderFiles(write_study(dict.fromkeys(names, b"content"))), classes)

    return read


@pytest.fixture(scope="session")
def workbook():
    """Bytes of an Excel file: of rows, and of single cells by their place."""

    def write(rows, **cells):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        for place, value in cells.items():
            book.active[place] = value
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()

    return write


@pytest.fixture(scope="session")
def zipped():
    """Zips a folder as it is; returns the archive."""

    def zip_folder(folder: Path, archive: Path) -> Path:
        with ZipFile(archive, "w") as opened:
            for path in sorted(folder.rglob("*")):
                opened.write(path, path.relative_to(folder))
        return archive

    return zip_folder
