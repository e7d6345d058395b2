"""The pipeline `optimisers`: every backbone under every optimiser, on `modeling`'s activations."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pipelines.optimisers.nodes import OptimiserNodes, compare_optimisers
from covid_xray.training.runs import join_runs, tabulate_runs

_TABLES = ("runs", "histories", "predictions")


def backbone_box(backbone: Backbone) -> Pipeline:
    """A run per optimiser of a backbone."""
    own = f"{backbone.id}_optimiser"
    nodes = [
        Node(
            OptimiserNodes(backbone).train_under_optimisers,
            inputs=[
                "images",
                "augmented_images",
                "study_variants",
                f"{backbone.id}_activations",
                "params:modeling.transfer",
                "params:modeling.training",
                "params:optimisers",
            ],
            outputs=f"{own}_classifiers",
            name="train_under_optimisers",
        ),
        Node(
            tabulate_runs,
            inputs=f"{own}_classifiers",
            outputs=[f"{own}_{table}" for table in _TABLES],
            name="tabulate_optimisers",
        ),
    ]
    return Pipeline(nodes, namespace=backbone.id, prefix_datasets_with_namespace=False)


def create_pipeline() -> Pipeline:
    """Table 5's scores under Adam, SGD with momentum, and AdaGrad."""
    joined = [
        Node(
            join_runs,
            inputs={backbone.id: f"{backbone.id}_optimiser_{table}" for backbone in BACKBONES},
            outputs=f"optimiser_{table}",
            name=f"join_optimiser_{table}",
        )
        for table in _TABLES
    ]
    comparison = Node(
        compare_optimisers,
        inputs=[*[f"optimiser_{table}" for table in _TABLES], "params:intervals"],
        outputs="optimiser_comparison",
        name="compare_optimisers",
    )
    return Pipeline(
        sum(map(backbone_box, BACKBONES), Pipeline([*joined, comparison])),
        namespace="optimisers",
        prefix_datasets_with_namespace=False,
    )
