"""Nodes of the pipeline: they read catalogued datasets only."""

from __future__ import annotations

import re

from covid_xray.absence import NotMade
from covid_xray.pages import bullets, escape, page, section


def write_study_page(**pages: str | NotMade) -> str:
    """An index of the study's pages, with the sections of each.

    Args:
        **pages: the pages by name; their files lie beside this one.
    """
    made = {name: text for name, text in pages.items() if isinstance(text, str)}
    found = {name: re.findall(r"^##? (.+)$", text, re.MULTILINE) for name, text in made.items()}
    absent = [
        f"{name.removesuffix('_page')}: {escape(page.reason)}"
        for name, page in pages.items()
        if isinstance(page, NotMade)
    ]
    return page(
        "The study, page by page",
        *(
            section(f"[{title}]({name}.md)", bullets(sections))
            for name, (title, *sections) in found.items()
        ),
        section("Not made", bullets(absent)) if absent else "",
    )
