"""The weights that the demo's MobileNet begins with: of phantoms, in half precision."""

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from covid_xray.models.backbone import weights_file
from covid_xray.models.transfer_classifiers import build_backbone
from covid_xray.phantom.acquisition import HOSPITALS, acquire
from covid_xray.phantom.drawing import CLASSES, draw_radiograph
from support.project import ROOT

FOLDER = ROOT / "data/01_raw/phantom_weights"
LABELS = np.array(CLASSES * 40)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def phantoms():
    """Phantoms of a seed that nothing was trained on, without shortcuts."""
    drawn = []
    for number, label in enumerate(LABELS):
        rng = np.random.default_rng([5, number])
        pixels, _ = draw_radiograph(label, rng, 160)
        drawn.append(acquire(pixels, HOSPITALS[number // 4 % 4], rng))
    return np.stack(drawn)[..., None].astype("float32")


def accuracy(weights, phantoms):
    """Share of phantoms whose class a linear model tells from the pooled features."""
    keras.utils.set_random_seed(1)
    radiograph, backbone = build_backbone("MobileNet", 64, weights)
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
    features = keras.Model(radiograph, pooled).predict(phantoms, verbose=0)
    model = LogisticRegression(C=0.1, max_iter=500).fit(features[:80], LABELS[:80])
    return model.score(features[80:], LABELS[80:])


def test_the_shipped_weights_know_findings_of_phantoms_they_have_not_seen(phantoms):
    assert weights_file("MobileNet", FOLDER).stat().st_size < 8e6
    assert accuracy(FOLDER, phantoms) > 0.7 > 0.5 > accuracy(None, phantoms)
