"""A Kedro project to run in, apart from the repository's own data."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"

# An environment of its own: the demo's, at sizes that a test can afford.
TEST_PARAMETERS = """
reading: {side: 64}
augmentation: {images_per_class: 16, workers: 1}
intervals: {n_resamples: 100}
exploration:
  examples: {duplicate_pairs: 2, augmented_images: 2, near_threshold: 2}
  reduction: {side: 32, batch_size: 16}
  eigen_images: {n_components: 8}
  autoencoders:
    dense: {layers: [16], code: 6, epochs: 2, batch_size: 8}
    convolutional: {layers: [4, 4], code: 2, epochs: 2, batch_size: 8}
  embedding: {latent_components: 5, n_neighbours: 3, n_shuffles: 3}
segmentation:
  pairs: {test: 0.2, validation: 0.2}
  unet: {filters: [4, 8], epochs: 1, batch_size: 8}
modeling:
  transfer: {weights: none, input_side: 32}
  training: {learning_rate: 1.0e-3, epochs: 1, batch_size: 16}
ablation:
  preprocessing_backbone: MobileNet
  head: []
  training: {epochs: 2}
screening:
  input_side: 32
  weights: none
  cnn: {filters: [4, 8], dense: 8}
  xception: {filters: [8], dense: 8}
  training:
    cnn: {batch_size: 8, epochs: 2}
    xception: {batch_size: 8, epochs: 1}
"""


def make_project(folder: Path) -> Path:
    """A Kedro project in `folder` with this repository's code and configuration."""
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "conf", folder / "conf")
    shutil.copytree(ROOT / "data/01_raw/published", folder / "data/01_raw/published")
    (folder / "src").mkdir()  # Kedro wants one; the code is the installed package
    env = folder / "conf/test"
    shutil.copytree(ROOT / "conf/demo", env)
    (env / "parameters.yml").write_text(TEST_PARAMETERS, "utf-8")
    catalog = env / "catalog.yml"
    plan = "{images_per_class: 64, side: 192, seed: 2020}"
    text = catalog.read_text("utf-8")
    assert plan in text
    catalog.write_text(text.replace(plan, "{images_per_class: 12}"), "utf-8")
    return folder
