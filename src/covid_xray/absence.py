"""What stands for an output that a study can't have, such as a U-Net where nobody drew a lung."""

from __future__ import annotations

from dataclasses import dataclass


class CannotMakeError(ValueError):
    """A study lacks what an output is made of; the message says what, and the remedy."""


@dataclass(frozen=True)
class NotMade:
    """Stands for an output that a study can't have.

    Attributes:
        reason: what the study lacks, in a sentence.
    """

    reason: str

    def __str__(self) -> str:
        """The reason, as pages give it."""
        return f"not made: {self.reason}"
