"""The name under which a study's outputs are kept."""

from __future__ import annotations

import re
from pathlib import PurePath


def study_name(path: str | None, default: str) -> str:
    """Folder name for a study's outputs, so that studies of different names stay apart.

    Args:
        path: the study's folder or archive, or None for the environment's own study.
        default: name of the environment's own study.
    """
    if not path:
        return default
    stem = PurePath(str(path).replace("\\", "/")).name.removesuffix(".zip")
    return re.sub(r"[^\w.-]+", "_", stem).strip("._") or default
