"""What all validated parameters have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictParameters(BaseModel):
    """Parameters that refuse names they do not know and can't be changed by a node."""

    model_config = ConfigDict(extra="forbid", frozen=True)
