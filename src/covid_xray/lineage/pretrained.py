"""Pre-trained weights are looked for before a run's first node, not where they are read."""

from __future__ import annotations

import inspect
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from kedro.io import CatalogProtocol
from kedro.pipeline import Node

from covid_xray.lineage.study import STUDY
from covid_xray.models.backbone import WeightsError, missing_weights, weights_file

logger = logging.getLogger(__name__)

Catalog = CatalogProtocol[Any, Any]
_TRANSFER = "params:modeling.transfer"
_ABLATION = "params:ablation"
_SCREENING = "params:screening"


def check_weights(nodes: Iterable[Node], catalog: Catalog) -> None:
    """Look for the files of all weights that nodes will read, and download those of `imagenet`.

    A study that is not there comes first: no weights are worth a download without it.

    Args:
        nodes: the nodes that will run.
        catalog: holds their parameters.

    Raises:
        DatasetError: if there is no study.
        WeightsError: if there is no such file, or a download fails.
    """
    nodes = list(nodes)
    pairs = {pair for node in nodes for pair in weights_of(node, catalog)}
    wanted = {pair for pair in pairs if pair[1] != "none"}
    if wanted and any(STUDY in node.inputs for node in nodes) and not catalog.exists(STUDY):
        catalog.load(STUDY)
    named = [pair for pair in sorted(wanted) if pair[1] != "imagenet"]
    missing = [path for pair in named if not (path := weights_file(*pair)).is_file()]
    if missing:
        raise missing_weights(*missing)
    from_keras = sorted(backbone for backbone, source in wanted if source == "imagenet")
    if from_keras:
        _download(from_keras)


def weights_of(node: Node, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The Keras names of the backbones that a node builds, each with its weights' source."""
    inputs = set(node.inputs)
    if _TRANSFER in inputs:
        transfer = _load(catalog, _TRANSFER)
        for name in _backbones_of(node, catalog, inputs):
            yield name, transfer.weights_for(name)
    if _SCREENING in inputs and "screening_classifiers" in node.outputs:
        screening = _load(catalog, _SCREENING)
        yield screening.xception.architecture, screening.weights_for("xception")


def _backbones_of(node: Node, catalog: Catalog, inputs: set[str]) -> Iterator[str]:
    backbone = getattr(getattr(inspect.unwrap(node.func), "__self__", None), "backbone", None)
    if backbone is not None:
        yield backbone.keras_name
    elif _ABLATION in inputs:
        ablation = _load(catalog, _ABLATION)
        is_table_4 = "preprocessing_rows" in inputs
        yield ablation.preprocessing_backbone if is_table_4 else ablation.augmentation_backbone


def _load(catalog: Catalog, parameters: str) -> Any:
    found: Any = catalog.get(parameters)  # `catalog.load` would log it like a node's input
    return found.load()


def _download(backbones: list[str]) -> None:
    """Let Keras fetch weights in a process of its own: this one loads TensorFlow for nodes only."""
    logger.info("Looking for the ImageNet weights of %s.", ", ".join(backbones))
    done = subprocess.run(
        [sys.executable, "-m", "covid_xray.models.imagenet", *backbones],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise WeightsError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
