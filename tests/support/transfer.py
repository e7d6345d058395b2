"""Report A's transfer classifiers at a size that a test can afford."""

import numpy as np

from covid_xray.models.backbones import build_classifier, calibrate_batch_norm

# Report A's Table 5: cut, head and trainable parameters.
PUBLISHED = {
    "MobileNet": (30, [{"dense": 256}, {"dropout": 0.5}], 2_659_076),
    "EfficientNetB0": (3, [{"dropout": 0.3}, {"dense": 256}, {"dropout": 0.2}], 741_124),
    "ResNet50V2": (15, [{"dense": 1024}, {"dense": 512}], 8_144_388),
    "VGG19": (2, [{"dropout": 0.5}], 2_361_860),
}


def build(architecture, weights=None, input_side=32, seed=1, **options):
    """A classifier of Table 5, with random weights unless a folder is given."""
    layers, head, _ = PUBLISHED[architecture]
    settings = {"trainable_layers": layers, "head": head} | options
    return build_classifier(
        architecture, n_classes=4, input_side=input_side, weights=weights, seed=seed, **settings
    )


def build_calibrated(architecture, **options):
    """A classifier whose random trunk passes a signal that is worth comparing."""
    model = build(architecture, **options)
    images = np.random.default_rng(1).integers(0, 256, (16, 32, 32)).astype(np.uint8)
    calibrate_batch_norm(model, images)
    return model
