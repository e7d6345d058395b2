"""Report A's Table 2 for a study of another size, and Table 3, which scores it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from covid_xray.evaluation.ablation import PUBLISHED, SCORED
from covid_xray.tables import NOTE, Number, Text, Whole, table

MASKS = "masks"
"""What Table 3 calls the setting whose radiographs keep nothing but their lungs."""
CHOSEN = "3"
"""The setting that the report kept; the masked one and the Laplacian sweep use it."""
TABLE_2 = table(
    "a setting of Report A's Table 2, or its masked one",
    {
        "setting": Text(description="its number in the report, or `masks`"),
        "images_per_class": Whole(description="the report's size of every class"),
        "n_layers": Whole(
            description="transformations: zoom, + rotation, + contrast, + brightness"
        ),
        "factor": Number(description="amplitude of each, as Keras understands it"),
        "batch_size": Whole(description="batch size of its training"),
        "our_images_per_class": Whole(description="size of every class, scaled to this study"),
        "run": Text(description="the first equal setting, whose run it shares"),
    },
)
TABLE_3 = table(
    "a setting of Table 2",
    TABLE_2.columns | SCORED | PUBLISHED["accuracy"] | PUBLISHED["f1_score"] | {"note": NOTE},
)


@dataclass(frozen=True)
class AugmentationSetting:
    """A setting of Table 2 that is trained.

    Attributes:
        setting: its number, or `masks`.
        images_per_class: size of every class, scaled to this study.
        n_layers: transformations applied: zoom, + rotation, + contrast, + brightness.
        factor: amplitude of each, as Keras understands it.
        batch_size: batch size of its training.
    """

    setting: str
    images_per_class: int
    n_layers: int
    factor: float
    batch_size: int

    @property
    def run(self) -> str:
        """Name of its run."""
        return MASKS if self.masked else f"setting_{self.setting}"

    @property
    def masked(self) -> bool:
        """Whether radiographs and augmented images keep nothing but their lungs."""
        return self.setting == MASKS

    @property
    def set(self) -> str:
        """Name of the set that its augmented images are taken from."""
        return f"{self.n_layers}_layers_{self.factor:g}{'_masked' if self.masked else ''}"

    def facts(self) -> dict[str, str | int | float]:
        """What it sets, apart from the batch size of its training."""
        return {name: fact for name, fact in asdict(self).items() if name != "batch_size"}


def scale_settings(published_settings: pd.DataFrame, images_per_class: int) -> pd.DataFrame:
    """Table 2's settings with the study's own sizes, and the masked one.

    The report's 4,000 to 6,000 images per class become the same shares of `images_per_class`.

    Returns:
        Table `TABLE_2`; equal settings share the `run` of the first.
    """
    settings = published_settings.astype({"setting": "str"})
    chosen = settings[settings["setting"] == CHOSEN]
    settings = pd.concat([settings, chosen.assign(setting=MASKS)], ignore_index=True)
    share = settings["images_per_class"] / settings["images_per_class"].max()
    axes = ["images_per_class", "n_layers", "factor", "batch_size"]
    # Table 2 lists the chosen setting once per axis.
    is_masked = settings["setting"] == MASKS
    first = settings.groupby([*axes, is_masked], sort=False)["setting"].transform("first")
    return settings.assign(
        our_images_per_class=np.rint(share * images_per_class).astype(int), run=first
    )


def distinct_settings(table_2: pd.DataFrame) -> list[AugmentationSetting]:
    """The settings of `scale_settings` that have a run of their own."""
    own = table_2[table_2["setting"] == table_2["run"]]
    fields = ["setting", "our_images_per_class", "n_layers", "factor", "batch_size"]
    return [AugmentationSetting(*row) for row in own[fields].itertuples(index=False)]
