"""Nodes of the pipeline: they read catalogued datasets only."""

from __future__ import annotations

import re

from covid_xray.pages import bullets, page, section


def write_study_page(**pages: str) -> str:
    """An index of the study's pages, with the sections of each.

    Args:
        **pages: the pages by name; their files lie beside this one.
    """
    found = {name: re.findall(r"^##? (.+)$", text, re.MULTILINE) for name, text in pages.items()}
    return page(
        "The study, page by page",
        *(
            section(f"[{title}]({name}.md)", bullets(sections))
            for name, (title, *sections) in found.items()
        ),
    )
