"""Nodes: what they do where a study lacks what they are made of."""

import pytest
from kedro.pipeline import Pipeline

from covid_xray.absence import CannotMakeError, NotMade
from covid_xray.sources import code_record
from covid_xray.steps import box, step
from covid_xray.studies.questions import rows_of_question

ABSENT = NotMade("the study has no masks.")


def double(masks, factor=2):
    return masks * factor


def halves(masks):
    if masks == 0:
        raise CannotMakeError("there is nothing to halve.")
    return masks // 2, masks - masks // 2


def stream(masks):
    if masks == 0:
        raise CannotMakeError("there is nothing to count.")
    yield from range(masks)


def run(node, **inputs):
    return node.run(inputs)


def test_a_node_passes_inputs_and_outputs_on():
    assert run(
        step(double, "doubled", factor="params:factor"), masks=3, **{"params:factor": 5}
    ) == {"doubled": 15}
    assert run(step(halves, ["low", "high"]), masks=5) == {"low": 2, "high": 3}
    (chunks,) = run(step(stream, "chunks"), masks=3).values()
    assert list(chunks) == [0, 1, 2]


def test_what_follows_from_an_absent_output_is_absent_for_the_same_reason():
    assert run(step(halves, ["low", "high"]), masks=ABSENT) == {"low": ABSENT, "high": ABSENT}
    (chunks,) = run(step(stream, "chunks"), masks=ABSENT).values()
    assert list(chunks) == [ABSENT]


def test_a_node_that_can_do_without_is_called():
    def describe(masks, size):
        return f"{masks}, {size}"

    node = step(describe, "words", without=["masks"])
    assert run(node, masks=ABSENT, size=1) == {"words": f"{ABSENT}, 1"}
    assert run(node, masks=1, size=ABSENT) == {"words": ABSENT}


def test_what_can_not_be_made_is_told_once_and_stops_nothing(caplog):
    low = run(step(halves, ["low", "high"], "halve"), masks=0)["low"]
    assert low == NotMade("there is nothing to halve.")
    assert "halve is skipped: there is nothing to halve." in caplog.text
    (chunks,) = run(step(stream, "chunks"), masks=0).values()
    assert list(chunks) == [NotMade("there is nothing to count.")]


def test_any_other_error_stops_the_run():
    with pytest.raises(TypeError):
        run(step(halves, ["low", "high"]), masks="five")


def test_the_code_of_a_node_is_its_functions_in_a_box_too():
    node = step(rows_of_question, "rows", splits="splits", target="params:target")
    (boxed,) = Pipeline([box("questions", node)]).nodes
    assert code_record(boxed.func) == code_record(rows_of_question)
    assert boxed.func.__name__ == "rows_of_question"
