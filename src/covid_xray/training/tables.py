"""Tables that trainings make."""

from __future__ import annotations

import pandera.pandas as pa

from covid_xray.tables import EPOCH, Number, Text, Whole, table

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
# What sets a run apart stands in further columns: its variant, fold, weight_<class> …
RUNS = table(
    "a run: one training",
    {
        "backbone": Text(description="id of the backbone, or the network's architecture"),
        "run": Text(description="name of the run"),
        "optimiser": Text(description="adam, sgd_momentum or adagrad"),
        "learning_rate": Number(description="the optimiser's"),
        "batch_size": Whole(description="radiographs per step"),
        "weights": Text(description="pre-trained weights: imagenet, a folder, or none"),
        "n_train": Whole(description="training rows, augmented ones included; 0 if not trained"),
        "n_validation": Whole(description="validation rows"),
        "n_test": Whole(description="test rows"),
        "trainable_params": Whole(description="trainable weights, as Table 5 counts them"),
        "best_epoch": pa.Column(nullable=True, description="epoch that was kept, from 0"),
        "epochs_run": Whole(description="epochs until training stopped"),
        "note": pa.Column(nullable=True, description="why it was not trained; empty if it was"),
    },
    others=True,
)
