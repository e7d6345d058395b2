"""The axes of the grid of transfer classifiers (Report A's Table 5 and Figure 14)."""

from __future__ import annotations

from covid_xray.pipelines.modeling.parameters import AugmentedSet, BackboneParameters

# One entry per backbone: its cut and its head, from which Table 5's trainable parameters follow.
# Another model of keras.applications joins the grid, its figures and Table 5 by an entry here.
BACKBONES = {
    "mobilenet": BackboneParameters(
        architecture="MobileNet", trainable_layers=30, head=[{"dense": 256}, {"dropout": 0.5}]
    ),
    "efficientnetb0": BackboneParameters(
        architecture="EfficientNetB0",
        trainable_layers=3,
        head=[{"dropout": 0.3}, {"dense": 256}, {"dropout": 0.2}],
    ),
    # The report does not describe ResNet's head; these round numbers give its count exactly.
    "resnet50v2": BackboneParameters(
        architecture="ResNet50V2", trainable_layers=15, head=[{"dense": 1024}, {"dense": 512}]
    ),
    "vgg19": BackboneParameters(architecture="VGG19", trainable_layers=2, head=[{"dropout": 0.5}]),
}

# Each has its weights under `modeling.class_weights` in the parameters.
CLASS_WEIGHTS = {f"covid_weight_{weight}": f"COVID weight {weight}" for weight in (1, 2, 3)}
"""Names and titles of Table 5's settings."""

# Figure 14 takes one backbone through heavier COVID weights.
FIGURE_14_BACKBONE = "efficientnetb0"
FIGURE_14_WEIGHTS = tuple(f"covid_weight_{weight}" for weight in range(1, 13))


def class_weights_of(backbone: str) -> tuple[str, ...]:
    """The class weights under which a backbone is trained."""
    return FIGURE_14_WEIGHTS if backbone == FIGURE_14_BACKBONE else tuple(CLASS_WEIGHTS)


# Children that Table 2's settings share, by number of transformations and their amplitude.
AUGMENTED_SETS = {
    "three_layers": AugmentedSet(n_layers=3, factor=0.1),
    "two_layers": AugmentedSet(n_layers=2, factor=0.1),
    "four_layers": AugmentedSet(n_layers=4, factor=0.1),
    "factor_0_2": AugmentedSet(n_layers=3, factor=0.2),
    "factor_0_3": AugmentedSet(n_layers=3, factor=0.3),
    "masked": AugmentedSet(n_layers=3, factor=0.1, masked=True),
}
# The setting that the report kept; the masked run and the Laplacian sweep use it.
CHOSEN_SETTING, CHOSEN_SET, MASKED_SET = 3, "three_layers", "masked"
