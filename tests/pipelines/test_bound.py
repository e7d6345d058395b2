import inspect
import typing
from functools import partial

from covid_xray.pipelines.bound import bound
from kedro.pipeline import Node
from kedro.validation.type_extractor import TypeExtractor

from covid_xray.pipelines.modeling.parameters import FrozenParameters, TransferParameters
from covid_xray.pipelines.modeling.pipeline import create_pipeline
from covid_xray.training.settings import TrainingSettings


def scaled(values: list[float], training: TrainingSettings, factor: float) -> list[float]:
    """Values times a factor."""
    return [value * factor * training.batch_size for value in values]


SETTINGS = TrainingSettings(learning_rate=1, batch_size=3, epochs=1, patience=1, seed=0)


def test_a_bound_function_keeps_its_name_its_words_and_its_hints():
    twice = bound(scaled, factor=2.0)
    assert (twice.__name__, twice.__doc__) == ("scaled", "Values times a factor.")
    assert typing.get_type_hints(twice) == typing.get_type_hints(scaled)
    # A plain partial has none of these, which is why there is `bound`.
    assert not hasattr(partial(scaled, factor=2.0), "__name__")


def test_a_bound_function_takes_the_other_arguments_as_a_node_gives_them():
    twice = bound(scaled, factor=2.0)
    inspect.signature(twice, follow_wrapped=False).bind([1.0], SETTINGS)
    node = Node(twice, inputs=["values", "params:training"], outputs="result", name="twice")
    assert node.run({"values": [1.0, 2.0], "params:training": SETTINGS}) == {"result": [6.0, 12.0]}
    assert scaled([1.0], SETTINGS, 5.0) == [15.0], "binding changed the function itself"


def test_kedro_finds_the_parameters_of_the_bound_nodes_with_their_types():
    types = TypeExtractor({"modeling": create_pipeline()}).extract_types_from_pipelines()
    assert types["modeling.transfer"] is TransferParameters
    assert types["modeling.frozen"] is FrozenParameters
    assert types["modeling.training"] is TrainingSettings
