"""The twelve trainings of Table 5: tails on cached activations against plain `fit`.

Dropout is off on both sides, the stochastic depth of EfficientNet's frozen layers included, so
that the two must reach the same scores. Building the models is in no time; compiling them is.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from study import anonymous_mib, arguments, opened

from covid_xray.datasets.arrays import ArrayDataset
from covid_xray.models import backbone
from covid_xray.models.transfer_classifiers import build_classifier, calibrate_batch_norm
from covid_xray.models.trunk import CutClassifier, cut_classifier, trunk_features
from covid_xray.studies.parameters import ReadingParameters
from covid_xray.studies.pixels import read_batches
from covid_xray.studies.reading import read_study
from covid_xray.studies.study import RadiographyStudy
from covid_xray.training.batches import ShuffledBatches, SplitRows
from covid_xray.training.fitting import compile_classifier, fit_compiled
from covid_xray.training.settings import TrainingSettings
from covid_xray.training.tail import TailTrainer
from covid_xray.training.targets import class_names, one_hot, weights_in_order

BACKBONES = {one.id: one for one in backbone.BACKBONES}
COVID_WEIGHTS = (1, 2, 3)
SEED, TRUNK_BATCH, CALIBRATION_IMAGES = 1, 32, 64
TRUNK_CALLS, TAIL_CALLS = 5, 20
MEMORY_BACKBONE, MEMORY_EPOCHS = "mobilenet", 2


@dataclass(frozen=True)
class Material:
    """What both sides train on, and how.

    Attributes:
        images: uint8 array (n, 256, 256).
        targets: float32 array (n, n_classes), one-hot.
        rows: rows to train on, and to validate on.
        class_weights: weights of the classes in order, for each COVID weight.
        side: input side of the backbones.
        weights: folder of pre-trained weights, `imagenet` or `none`.
        settings: hyper-parameters of the whole training.
        plain_epochs: epochs that the plain side really runs.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    rows: SplitRows
    class_weights: list[list[float]]
    side: int
    weights: str
    settings: TrainingSettings
    plain_epochs: int

    def weights_of(self, keras_name: str) -> str | None:
        """Where a backbone's weights come from; None if they are random."""
        if self.weights == "imagenet":
            return self.weights
        file = Path(self.weights) / f"{keras_name.lower()}_notop.weights.h5"
        return self.weights if file.is_file() else None


@dataclass(frozen=True)
class Run:
    """One side's trainings of a backbone.

    Attributes:
        seconds: of all three class weights.
        detail: seconds of the first epoch, on average (plain), or of the trunk (ours).
        bound: seconds of the calls that our side can't do without (ours).
        histories: by class weight.
    """

    seconds: float
    detail: float
    bound: float
    histories: list[pd.DataFrame]


class TimedBatches(ShuffledBatches):
    """Training batches that note when each epoch starts."""

    def __init__(self, *options: Any) -> None:
        super().__init__(*options)
        self.starts: list[float] = []

    def on_epoch_begin(self) -> None:
        """Note the time."""
        self.starts.append(time.perf_counter())


def read_material(study: RadiographyStudy, options: argparse.Namespace) -> Material:
    """Read the study, and split it 80 to 20 in every class."""
    reading = read_study(study, ReadingParameters(side=256))
    classes, labels = class_names(reading.index), reading.index["label"]
    train, validation = train_test_split(
        np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=SEED
    )
    return Material(
        images=reading.images,
        targets=one_hot(labels, classes),
        rows=SplitRows(np.sort(train), np.sort(validation)),
        class_weights=[weights_in_order({"COVID": w}, classes) for w in COVID_WEIGHTS],
        side=options.side,
        weights=options.weights,
        settings=training_settings(options.epochs),
        plain_epochs=options.plain_epochs or options.epochs,
    )


def training_settings(epochs: int) -> TrainingSettings:
    """The published hyper-parameters, without early stopping."""
    return TrainingSettings(
        learning_rate=1e-5, batch_size=16, epochs=epochs, patience=epochs, seed=SEED
    )


def new_classifier(name: str, material: Material) -> keras.Model:
    """A backbone's classifier, the same at every call, without dropout."""
    keras.utils.clear_session()
    chosen = BACKBONES[name]
    weights = material.weights_of(chosen.keras_name)
    model = build_classifier(
        chosen.keras_name,
        trainable_layers=chosen.trainable_layers,
        head=chosen.head,
        n_classes=material.targets.shape[1],
        input_side=material.side,
        weights=weights,
        seed=SEED,
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    if weights is None:
        step = max(len(material.rows.train) // CALIBRATION_IMAGES, 1)
        rows = material.rows.train[::step][:CALIBRATION_IMAGES]
        calibrate_batch_norm(model, material.images[rows])
    return model


def plain_run(name: str, material: Material) -> Run:
    """Plain `fit` of the whole classifier for each class weight."""
    runs = [train_plainly(name, material, weights) for weights in material.class_weights]
    seconds, firsts, histories = zip(*runs, strict=True)
    return Run(sum(seconds), statistics.mean(firsts), math.nan, list(histories))


def train_plainly(
    name: str, material: Material, class_weights: list[float]
) -> tuple[float, float, pd.DataFrame]:
    """Seconds of all epochs (scaled if fewer are run), seconds of the first, and the history."""

    def read(rows: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return material.images[rows][..., None].astype(np.float32), material.targets[rows]

    epochs, batch_size = material.plain_epochs, material.settings.batch_size
    model = new_classifier(name, material)
    training = TimedBatches(read, material.rows.train, batch_size, SEED)
    validation = ShuffledBatches(read, material.rows.validation, batch_size)
    start = time.perf_counter()
    compile_classifier(model, training_settings(epochs))
    history = fit_compiled(model, training, validation, class_weights, training_settings(epochs))
    end = time.perf_counter()
    # The first epoch compiles, so it says nothing about those that were not run. Counted from
    # the last start, as Keras also opens the batches once to build the metrics.
    first_end = training.starts[1 - epochs] if epochs > 1 else end
    later = (end - first_end) / max(epochs - 1, 1)
    not_run = material.settings.epochs - epochs
    return end - start + later * not_run, first_end - start, history


def our_run(name: str, material: Material, with_bound: bool = True) -> Run:
    """Activations once, kept on disk, and a tail for each class weight."""
    cut = cut_classifier(new_classifier(name, material))
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        features = stored_features(cut, material, Path(folder) / "features.npy")
        trunk = time.perf_counter() - start
        trainer = TailTrainer(cut)
        histories = [
            trainer.train(
                features,
                targets=material.targets,
                rows=material.rows,
                class_weights=class_weights,
                settings=material.settings,
            )
            for class_weights in material.class_weights
        ]
        seconds = time.perf_counter() - start
        bound = bare_seconds(cut, features, material) if with_bound else math.nan
    return Run(seconds, trunk, bound, histories)


def stored_features(cut: CutClassifier, material: Material, path: Path) -> NDArray[np.float32]:
    """The trunk's activations of every radiograph, as a memory map."""
    n_images = len(material.images)
    rows = pd.DataFrame({"array": "images", "row": np.arange(n_images)})
    batches = read_batches({"images": material.images}, rows, TRUNK_BATCH, "Trunk")
    dataset = ArrayDataset(filepath=str(path))
    dataset.save(trunk_features(cut, batches, n_images, "float32"))
    return dataset.load()


def bare_seconds(cut: CutClassifier, features: NDArray[np.float32], material: Material) -> float:
    """Seconds of the trunk's passes and the tail's steps as bare calls on a batch in memory."""
    pixels = material.images[:TRUNK_BATCH][..., None].astype(np.float32)
    batch_size = material.settings.batch_size
    rows = material.rows.train[:batch_size]
    inputs, targets = cut.part(features[rows]), material.targets[rows]
    weights = dict(enumerate(material.class_weights[-1]))
    one_pass = median_seconds(lambda: cut.trunk.predict_on_batch(pixels), TRUNK_CALLS)
    one_step = median_seconds(
        lambda: cut.tail.train_on_batch(inputs, targets, class_weight=weights), TAIL_CALLS
    )
    n_steps = math.ceil(len(material.rows.train) / batch_size) * material.settings.epochs
    n_passes = len(material.images) / len(pixels)
    return one_pass * n_passes + one_step * n_steps * len(material.class_weights)


def median_seconds(call: Callable[[], object], n_calls: int) -> float:
    """Median time of a call, after one that compiles."""
    call()
    seconds = []
    for _ in range(n_calls):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def largest_difference(plain: Run, ours: Run, column: str, epochs: int) -> float:
    """Largest difference of a score after `epochs` epochs, over the class weights."""
    pairs = zip(plain.histories, ours.histories, strict=True)
    return max(abs(a[column].iloc[epochs - 1] - b[column].iloc[epochs - 1]) for a, b in pairs)


def print_run(name: str, material: Material, plain: Run, ours: Run) -> None:
    """Print the times and the scores of one backbone."""
    epochs = material.plain_epochs
    trained = material.weights_of(BACKBONES[name].keras_name) is not None
    loss, accuracy = (
        largest_difference(plain, ours, column, epochs) for column in ("val_loss", "val_accuracy")
    )
    print(f"{name}, {'pre-trained' if trained else 'random'} weights:")
    print_times(plain, ours, material)
    print(
        f"  plain first epoch {plain.detail:.1f} s on average, our trunk {ours.detail:.1f} s\n"
        f"  largest difference after epoch {epochs}: validation loss {loss:.1e}, "
        f"accuracy {accuracy:.1e}",
        flush=True,
    )


def print_times(plain: Run, ours: Run, material: Material) -> None:
    """Print seconds, their ratio, and how close ours is to the bound."""
    scaled = material.plain_epochs < material.settings.epochs
    how = f"scaled from {material.plain_epochs} epochs" if scaled else "measured"
    print(
        f"  plain {plain.seconds:.1f} s ({how}), ours {ours.seconds:.1f} s (measured, of which "
        f"trunk {ours.detail:.1f} s), ratio {plain.seconds / ours.seconds:.2f}\n"
        f"  bound {ours.bound:.1f} s, its ratio {plain.seconds / ours.bound:.2f}, "
        f"bound / ours {ours.bound / ours.seconds:.2f}",
        flush=True,
    )


def total(runs: list[Run]) -> Run:
    """Sum of the times of several backbones."""
    seconds, details, bounds = zip(*((r.seconds, r.detail, r.bound) for r in runs), strict=True)
    return Run(sum(seconds), sum(details), sum(bounds), [])


def compare(material: Material, names: list[str]) -> None:
    """Train each backbone on both sides, and print the comparison."""
    n_train, n_validation = len(material.rows.train), len(material.rows.validation)
    print(
        f"{n_train} + {n_validation} radiographs, {material.settings.epochs} epochs, "
        f"input side {material.side}",
        flush=True,
    )
    pairs = []
    for name in names:
        pairs.append((plain_run(name, material), our_run(name, material)))
        print_run(name, material, *pairs[-1])
    plain, ours = (total(list(side)) for side in zip(*pairs, strict=True))
    print(f"all {len(names) * len(COVID_WEIGHTS)} models:")
    print_times(plain, ours, material)


def parsed() -> argparse.Namespace:
    """The command line, checked."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=224, help="input side of the backbones")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--plain-epochs", type=int, help="run fewer epochs of plain fit, and scale")
    parser.add_argument("--weights", default="none", help="folder, `imagenet`, or `none` (random)")
    parser.add_argument("--backbones", nargs="+", choices=BACKBONES, default=list(BACKBONES))
    parser.add_argument("--memory", choices=BACKBONES, help="print our anonymous memory only")
    options = parser.parse_args()
    least = min(2, options.epochs)
    if options.plain_epochs is not None and not least <= options.plain_epochs <= options.epochs:
        parser.error(f"--plain-epochs must lie between {least} and --epochs")
    if options.weights not in ("none", "imagenet") and not Path(options.weights).is_dir():
        parser.error(f"there is no folder {options.weights}")
    return options


def print_memory_in_fresh_processes(options: argparse.Namespace) -> None:
    """Anonymous memory at two sizes: memory once taken is seldom given back."""
    for n_images in (400, options.images):
        command = [sys.executable, __file__, str(options.study), "--memory", MEMORY_BACKBONE]
        sizes = {
            "images": n_images,
            "side": options.side,
            "epochs": MEMORY_EPOCHS,
            "weights": options.weights,
        }
        command += [word for name, value in sizes.items() for word in (f"--{name}", str(value))]
        subprocess.run(command, check=True)


def main() -> None:
    options = parsed()
    with opened(options.study, options.images) as study:
        material = read_material(study, options)
        if options.memory:
            our_run(options.memory, material, with_bound=False)
            n_images = len(material.images)
            print(f"{options.memory}, {n_images} radiographs: {anonymous_mib():.0f} MiB")
            return
        compare(material, options.backbones)
    if options.study is not None:
        print_memory_in_fresh_processes(options)


if __name__ == "__main__":
    main()
