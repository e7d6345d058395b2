"""Outputs that a study can't have, on disk: a small text file says why there is no other."""

from __future__ import annotations

from pathlib import Path

from kedro.io import DatasetError

from covid_xray.absence import NotMade
from covid_xray.whole import remove_folder, whole_file


class AbsenceMixin:
    """Gives a local dataset a file `<its name>.not_made.txt` beside the one it does not have."""

    @property
    def _path(self) -> Path:
        return Path(vars(self)["_filepath"])

    @property
    def _marker(self) -> Path:
        path = self._path
        return path.with_name(f"{path.name}.not_made.txt")

    def not_made(self) -> NotMade | None:
        """Why the study can't have the output; None if nothing says so."""
        try:
            return NotMade(self._marker.read_text("utf-8").strip())
        except FileNotFoundError:
            return None

    def save_not_made(self, absence: NotMade) -> None:
        """Remove what is there, and say why there is nothing."""
        self.remove()
        with whole_file(self._marker) as partial:
            partial.write_text(f"{absence.reason}\n", "utf-8")

    def forget_not_made(self) -> None:
        """Take the word back: the output is about to be made."""
        self._marker.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the output's file or folder, if there is one."""
        remove_folder(self._path)
        self._path.unlink(missing_ok=True)

    def check_made(self) -> None:
        """Refuse to load what the study can't have.

        Raises:
            DatasetError: with the reason.
        """
        absence = self.not_made()
        if absence is not None:
            raise DatasetError(f"{self._path}: {absence}")
