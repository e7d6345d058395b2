"""The name under which a study's outputs are kept."""

from __future__ import annotations

import re
from pathlib import PurePath


def study_name(name: str | None, path: str | None, default: str) -> str:
    """Folder name for a study's outputs, so that studies of different names stay apart.

    Args:
        name: the name that was asked for; None takes that of the study.
        path: the study's folder or archive, or None for the environment's own study.
        default: name of the environment's own study.

    Raises:
        ValueError: if the name that was asked for can't be a folder's.
    """
    if name is not None:
        if not re.fullmatch(r"\w[\w.-]*", str(name)):
            raise ValueError(
                f"study_name is '{name}', but outputs lie in folders of this name: use letters, "
                "digits and _ . - only."
            )
        return str(name)
    if not path:
        return default
    stem = PurePath(str(path).replace("\\", "/")).name.removesuffix(".zip")
    return re.sub(r"[^\w.-]+", "_", stem).strip("._") or default
