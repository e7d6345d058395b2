"""What a phantom study holds: how many patients, and which flaws are planted."""

from __future__ import annotations

from dataclasses import dataclass

from covid_xray.phantom.drawing import CLASSES, MIN_SIDE

_LOWEST = {"images_per_class": 6, "side": MIN_SIDE, "mask_side": 32}
# The class whose image comes again under another class.
CONFLICT_FROM, CONFLICT_IN = "Normal", "Lung_Opacity"
# What an image is used for, in the order images are set aside (see `PhantomPlan.role`).
_ROLES: tuple[str, ...] = (
    "blurred",
    "exact_duplicates",
    "reencoded_duplicates",
    "shifted_duplicates",
    "label_conflicts",
    "missing_masks",
)


@dataclass(frozen=True)
class PhantomPlan:
    """What to write. Counts of planted flaws are totals, dealt to the classes in turn.

    Attributes:
        images_per_class: Distinct patients drawn per class; copies and broken files come on top.
        side: Width and height of a radiograph in pixels.
        mask_side: Width and height of a lung mask in pixels.
        seed: Root of all randomness.
        exact_duplicates: Copies with the same bytes under another name.
        reencoded_duplicates: Copies that went through JPEG.
        shifted_duplicates: Copies moved by one or two pixels and slightly brightened or darkened.
        blurred: Images that are out of focus.
        missing_masks: Images without a lung mask.
        shortcuts: Whether markers and hospitals betray the class. If not, there is no marker, and
            every class has as many images of each hospital.
    """

    images_per_class: int = 48
    side: int = 299
    mask_side: int = 256
    seed: int = 2020
    exact_duplicates: int = 4
    reencoded_duplicates: int = 4
    shifted_duplicates: int = 4
    blurred: int = 8
    missing_masks: int = 2
    shortcuts: bool = True

    def __post_init__(self) -> None:
        """Refuse impossible values.

        Raises:
            ValueError: Naming the first field that is too small, or ``images_per_class`` when a
                class has fewer images than planted flaws need.
        """
        for name, value in vars(self).items():
            lowest = _LOWEST.get(name, 0)
            if value < lowest:
                raise ValueError(f"{name} must be at least {lowest}, not {value}")
        needed = max(sum(self.share(role, label) for role in _ROLES) for label in CLASSES)
        if needed > self.images_per_class:
            raise ValueError(
                f"images_per_class must be at least {needed} to hold the planted flaws, "
                f"not {self.images_per_class}"
            )

    def share(self, role: str, label: str) -> int:
        """Number of images of class ``label`` set aside for ``role``."""
        if role == "label_conflicts":
            return int(label == CONFLICT_FROM)
        total = int(getattr(self, role))
        return total // len(CLASSES) + int(CLASSES.index(label) < total % len(CLASSES))

    def role(self, label: str, number: int) -> str:
        """What image ``number`` (from 1) of a class is used for, or an empty string.

        Flaws fall on the first images of a class: so image k stays the same when
        ``images_per_class`` changes.
        """
        reached = 0
        for role in _ROLES:
            reached += self.share(role, label)
            if number <= reached:
                return role
        return ""
