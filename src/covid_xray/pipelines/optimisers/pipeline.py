"""The pipeline `optimisers`: every backbone under every optimiser, on `modeling`'s activations."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pipelines.optimisers.nodes import OptimiserNodes, compare_optimisers
from covid_xray.steps import box, parameters, step, themselves
from covid_xray.training.runs import join_runs, tabulate_runs

_TABLES = ("runs", "histories", "predictions")


def backbone_box(backbone: Backbone) -> Pipeline:
    """A run per optimiser of a backbone."""
    own = f"{backbone.id}_optimiser"
    classifiers = f"{own}_classifiers"
    given = {"activations": f"{backbone.id}_activations"} | parameters(
        "optimisers", transfer="modeling.transfer", training="modeling.training"
    )
    return box(
        backbone.id,
        step(OptimiserNodes(backbone).train_under_optimisers, classifiers, **given),
        step(tabulate_runs, [f"{own}_{table}" for table in _TABLES], classifiers=classifiers),
    )


def create_pipeline() -> Pipeline:
    """Table 5's scores under Adam, SGD with momentum, and AdaGrad."""
    own = [f"{backbone.id}_optimiser_{table}" for backbone in BACKBONES for table in _TABLES]
    joined = [f"optimiser_{table}" for table in _TABLES]
    return box(
        "optimisers",
        *map(backbone_box, BACKBONES),
        step(join_runs, joined, **themselves(*own)),
        step(compare_optimisers, "optimiser_comparison", **parameters("intervals")),
    )
