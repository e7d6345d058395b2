"""Tables that trainings make."""

from __future__ import annotations

from covid_xray.tables import EPOCH, Number, table

AUTOENCODER_HISTORY = table(
    "an epoch of an autoencoder",
    {
        "epoch": EPOCH,
        "loss": Number(description="binary cross-entropy of training radiographs"),
        "val_loss": Number(description="binary cross-entropy of validation radiographs"),
    },
)
UNET_HISTORY = table(
    "an epoch of the U-Net",
    {
        "epoch": EPOCH,
        "dice": Number(description="Dice of training pairs"),
        "loss": Number(description="cross-entropy plus one minus Dice, training pairs"),
        "val_dice": Number(description="Dice of validation pairs"),
        "val_loss": Number(description="the loss, validation pairs"),
    },
)
