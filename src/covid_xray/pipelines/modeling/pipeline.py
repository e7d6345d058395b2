"""The pipeline `modeling`: a box per backbone, then Table 5 and Figure 14 on their joined runs."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pipelines.modeling.nodes import (
    BackboneNodes,
    compare_models,
    describe_runs,
    write_modeling_page,
)
from covid_xray.steps import box, parameters, step, themselves
from covid_xray.training.runs import join_runs, tabulate_runs

_TRANSFER = parameters(transfer="modeling.transfer")
_CLASS_WEIGHTS = parameters(class_weights="modeling.class_weights")
_FIGURE_14 = parameters(figure_14="modeling.figure_14")
_TRAINING = parameters(training="modeling.training")
_INTERVALS = parameters("intervals")
_FIGURES = ["learning_curves", "confusion_matrices", "confidence", "grad_cam"]
_SCORES = ["class_scores", "confusion", "overfitting"]


def backbone_box(backbone: Backbone) -> Pipeline:
    """Pass the study through a backbone's trunk, train its runs, and show what they learnt.

    Its datasets are called `<backbone>_<name>`.
    """
    nodes = BackboneNodes(backbone)
    trained = _TRANSFER | _TRAINING | _CLASS_WEIGHTS | _FIGURE_14
    described = _TRANSFER | _CLASS_WEIGHTS | _INTERVALS
    template = Pipeline(
        [
            step(nodes.extract_activations, "activations", **_TRANSFER),
            step(nodes.train_classifiers, "classifiers", **trained),
            step(tabulate_runs, ["runs", "histories", "predictions"]),
            step(describe_runs, [*_SCORES, *_FIGURES], **described),
            step(nodes.write_backbone_page, "page", **themselves(*_FIGURES)),
        ]
    )
    return Pipeline(
        template,
        namespace=backbone.id,
        outputs={name: f"{backbone.id}_{name}" for name in template.all_outputs()},
        prefix_datasets_with_namespace=False,
    )


def create_pipeline() -> Pipeline:
    """Four backbones under COVID weights: Report A's comparison of models."""

    def of_backbones(*names: str) -> dict[str, str]:
        return themselves(*[f"{backbone.id}_{name}" for backbone in BACKBONES for name in names])

    joined = ["classifier_runs", "classifier_predictions"]
    compared = ["table_5", "figure_14_scores", "figure_14_class_weights"]
    return box(
        "modeling",
        *map(backbone_box, BACKBONES),
        step(join_runs, joined, **of_backbones("runs", "predictions")),
        step(compare_models, compared, **_CLASS_WEIGHTS, **_FIGURE_14, **_INTERVALS),
        step(
            write_modeling_page,
            "modeling_page",
            without=[*compared[1:], *of_backbones("page")],
            **of_backbones("page"),
        ),
    )
