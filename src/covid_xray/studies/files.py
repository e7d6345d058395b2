"""The files of a study, in a folder or in a zip archive as downloaded."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from covid_xray.imaging.rejection import RejectedFileError, RejectionReason
from covid_xray.records import digest

_ENCRYPTED = 0x1  # bit of a zip entry's flags
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_DEFLATE64 = 9


class StudyError(ValueError):
    """A study that can't be used; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class FolderFiles:
    """A study in a folder."""

    location: Path

    @cached_property
    def sizes(self) -> dict[PurePosixPath, int]:
        """Bytes of every file, by path relative to the study; hidden files are left out.

        Raises:
            StudyError: if the folder itself can't be opened.
        """
        return {path: found for path, found in self._found if isinstance(found, int)}

    @cached_property
    def unreadable(self) -> dict[PurePosixPath, str]:
        """What is in the way of reading the others: links, folders and files, in words."""
        return {path: found for path, found in self._found if isinstance(found, str)}

    @cached_property
    def _found(self) -> list[tuple[PurePosixPath, int | str]]:
        return sorted(_walk(self.location, PurePosixPath(), frozenset()))

    def read(self, path: PurePosixPath) -> bytes:
        """The bytes of one file; may be called from several threads."""
        return (self.location / path).read_bytes()

    def start(self, path: PurePosixPath, n_bytes: int) -> bytes:
        """The first bytes of one file."""
        with (self.location / path).open("rb") as opened:
            return opened.read(n_bytes)


@dataclass(frozen=True)
class ZipFiles:
    """A study in a zip archive, read where it is; nothing is unpacked to disk."""

    location: Path
    archive: zipfile.ZipFile = field(repr=False)

    @classmethod
    def open(cls, location: Path) -> ZipFiles:
        """Open an archive, refusing one whose entries point outside it.

        Raises:
            StudyError: if the archive is damaged or has an absolute or `..` entry.
        """
        try:
            archive = zipfile.ZipFile(location)
        except zipfile.BadZipFile as error:
            raise StudyError(
                f"{location} is not a whole zip archive ({error}). Download it again."
            ) from error
        for name in archive.namelist():
            path = PurePosixPath(name.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in name.split("/")[0]:
                raise StudyError(
                    f"{location} is refused: its entry '{name}' points outside the archive. "
                    "Download the study again from a source you trust."
                )
        return cls(location, archive)

    @cached_property
    def sizes(self) -> dict[PurePosixPath, int]:
        """Uncompressed bytes of every file, as `os.stat` would give them after unpacking."""
        return {path: entries[-1].file_size for path, entries in self._entries.items()}

    @property
    def unreadable(self) -> dict[PurePosixPath, str]:
        """None: what an archive lists may be opened."""
        return {}

    def read(self, path: PurePosixPath) -> bytes:
        """The bytes of one file; may be called from several threads.

        Raises:
            RejectedFileError: if it is encrypted, packed in an unknown way, or stored twice.
        """
        return self.archive.read(self._readable(path))

    def start(self, path: PurePosixPath, n_bytes: int) -> bytes:
        """The first bytes of one file; raises as `read` does."""
        with self.archive.open(self._readable(path)) as opened:
            return opened.read(n_bytes)

    def _readable(self, path: PurePosixPath) -> zipfile.ZipInfo:
        entry, *others = self._entries[path]
        if others:
            detail = f"the zip has {1 + len(others)} files of this path: pack it anew with one"
            raise RejectedFileError(RejectionReason.STORED_TWICE, detail)
        remedy = "unpack the zip and give the study's folder"
        if entry.flag_bits & _ENCRYPTED:
            raise RejectedFileError(RejectionReason.ENCRYPTED, f"it needs a password: {remedy}")
        if entry.compress_type not in _COMPRESSIONS:
            method = entry.compress_type
            name = "Deflate64" if method == _DEFLATE64 else f"method {method}"
            detail = f"it is packed by {name}, which Python can't unpack: {remedy}"
            raise RejectedFileError(RejectionReason.UNKNOWN_COMPRESSION, detail)
        return entry

    @cached_property
    def _entries(self) -> dict[PurePosixPath, list[zipfile.ZipInfo]]:
        # Some tools write `./a/b.png` or `a\\b.png`: such names are not those of the paths.
        found: dict[PurePosixPath, list[zipfile.ZipInfo]] = {}
        for entry in self.archive.infolist():
            if not entry.is_dir():
                path = PurePosixPath(entry.filename.replace("\\", "/"))
                found.setdefault(path, []).append(entry)
        return {path: found[path] for path in sorted(found) if not _is_hidden(path)}


# Where a study's files are: their relative paths, sizes and bytes.
StudyFiles = FolderFiles | ZipFiles


def open_study_files(location: Path) -> StudyFiles:
    """Open a study's folder or zip archive.

    Raises:
        StudyError: if there is nothing at `location`, or something else than those two.
    """
    if location.is_dir():
        return FolderFiles(location)
    if zipfile.is_zipfile(location):
        return ZipFiles.open(location)
    if location.exists():
        raise StudyError(
            f"{location} is neither a folder nor a whole zip archive. Give the study's folder or "
            "its zip; if it is a zip, download it again."
        )
    raise StudyError(f"There is no study at {location}. Check the path, or put the study there.")


def describe_files(files: StudyFiles, *facts: bytes) -> str:
    """A fingerprint of a study's files, by their names and sizes.

    Args:
        files: the files.
        *facts: what else sets the study apart.

    Returns:
        Such as `1630 files, 4f1c0a…`.
    """
    listed = repr(sorted((str(path), size) for path, size in files.sizes.items()))
    return f"{len(files.sizes)} files, {digest(listed.encode(), *facts)}"


def _walk(
    folder: Path, path: PurePosixPath, above: frozenset[tuple[int, int]]
) -> Iterator[tuple[PurePosixPath, int | str]]:
    """Sizes of the files in a folder, links followed; or words on what can't be read."""
    try:
        here = folder.stat()
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError as error:
        if not path.parts:
            raise StudyError(
                f"{folder} can't be opened ({error.strerror}). Give yourself the right to read it."
            ) from error
        yield path, f"the folder can't be opened ({error.strerror})"
        return
    identity = here.st_dev, here.st_ino
    if identity in above:
        yield path, "it is a link to a folder that it lies in"
        return
    for name in names:
        if not _is_hidden(PurePosixPath(name)):
            yield from _look_at(folder / name, path / _in_text(name), above | {identity})


def _look_at(
    entry: Path, path: PurePosixPath, above: frozenset[tuple[int, int]]
) -> Iterator[tuple[PurePosixPath, int | str]]:
    try:
        found = entry.stat()
    except OSError as error:
        yield path, f"it is a link that leads nowhere, or has no rights ({error.strerror})"
        return
    if path.name != entry.name:
        yield path, "its name is no text in UTF-8: rename it"
    elif stat.S_ISDIR(found.st_mode):
        yield from _walk(entry, path, above)
    elif stat.S_ISREG(found.st_mode):
        yield path, found.st_size
    else:
        yield path, "it is neither a file nor a folder"


def _in_text(name: str) -> str:
    """A name that any table can hold: bytes that are no UTF-8 are written as escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_hidden(path: PurePosixPath) -> bool:
    # macOS archives add __MACOSX/ twins, and Windows its own files, to every folder they touch.
    return path.name.casefold() in ("thumbs.db", "desktop.ini") or any(
        part.startswith((".", "__MACOSX")) for part in path.parts
    )
