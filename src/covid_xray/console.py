"""What a run says of its progress: a line per pipeline."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner

from covid_xray.progress import keep_brief, quiet_stderr
from covid_xray.sources import code_record

logger = logging.getLogger(__name__)


class ProgressHooks:
    """Says when a pipeline's last node is done, how long it took, and how much is left."""

    _left: Counter[str]  # nodes of each pipeline that are still to be run
    _seconds: defaultdict[str, float]  # that those took that were
    _total: int
    _started: float
    _node: tuple[Node, float] | None  # that runs, and since when

    @hook_impl
    def after_context_created(self) -> None:
        """Leave out the lines of others, unless they are asked for."""
        keep_brief()

    @hook_impl(trylast=True)  # after stale outputs count as missing
    def before_pipeline_run(
        self, run_params: Mapping[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Count the nodes that will run."""
        if run_params["only_missing_outputs"]:
            pipeline = SequentialRunner()._filter_pipeline_for_missing_outputs(pipeline, catalog)
        self._left, self._seconds = Counter(map(_pipeline_of, pipeline.nodes)), defaultdict(float)
        self._total, self._started, self._node = len(pipeline.nodes), time.monotonic(), None

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """The node before is done; load TensorFlow, quietly, where this one needs it."""
        self._finish_node()
        self._node = node, time.monotonic()
        if "tensorflow" not in sys.modules and "versions.keras" in code_record(node.func):
            with quiet_stderr():
                import keras  # noqa: F401

    @hook_impl
    def after_pipeline_run(self) -> None:
        """The last node is done."""
        self._finish_node()

    def _finish_node(self) -> None:
        if self._node is None:
            return
        node, since = self._node
        self._node, now, name = None, time.monotonic(), _pipeline_of(node)
        self._seconds[name] += now - since
        self._left[name] -= 1
        if not self._left[name]:
            n_done = self._total - sum(self._left.values())
            logger.info(
                "%s is done (%s). %d of %d nodes, %s so far",
                name,
                _as_clock(self._seconds[name]),
                n_done,
                self._total,
                _as_clock(now - self._started),
            )


def _pipeline_of(node: Node) -> str:
    return (node.namespace or node.name).partition(".")[0]


def _as_clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
