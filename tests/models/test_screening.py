"""The grid of Report B's networks."""

import pandas as pd
import pytest

from covid_xray.models.screening import (
    ALL_CLASSES,
    ANSWERS,
    TWO_CLASSES,
    networks_of,
    one_against_rest,
    parts_of_answers,
    titles_of,
    why_unanswered,
)

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
VOTERS = {
    "cnn": "COVID",
    "cnn_lung_opacity": "Lung_Opacity",
    "cnn_normal": "Normal",
    "cnn_viral_pneumonia": "Viral Pneumonia",
}


def runs_of(classes):
    networks = networks_of(classes)
    return pd.DataFrame([{"run": k} | v.facts() | {"epochs_run": 3} for k, v in networks.items()])


def test_every_class_has_a_network_against_the_rest():
    assert list(networks_of(CLASSES)) == [
        "cnn",
        "xception",
        "naive_cnn",
        "cnn_all_classes",
        "cnn_lung_opacity",
        "cnn_normal",
        "cnn_viral_pneumonia",
    ]
    assert networks_of([*CLASSES, "Flu (A)"])["cnn_flu_a_"].target == "Flu (A)"


def test_classes_of_one_spelling_have_networks_of_their_own():
    networks = networks_of(["COVID", "A-B", "A B", "All classes"])
    targets = [model.target for model in networks.values()]
    assert sorted(filter(None, targets)) == ["A B", "A-B", "All classes", *["COVID"] * 3]
    assert networks["cnn_all_classes"].target is None


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (["COVID", "Normal"], ["cnn", "xception", "naive_cnn"]),
        (["Normal", "Pneumonia"], ["cnn_all_classes"]),
        (["A", "B", "C"], ["cnn_all_classes", "cnn_a", "cnn_b", "cnn_c"]),
    ],
)
def test_no_question_is_asked_twice_or_of_a_class_that_is_not_there(classes, names):
    assert list(networks_of(classes)) == names


def test_an_answer_that_is_not_given_has_a_reason():
    assert "no class COVID" in why_unanswered(TWO_CLASSES, ["A", "B", "C"])
    assert "two classes" in why_unanswered(ALL_CLASSES, ["COVID", "A", "A"])
    assert "screening_runs" in why_unanswered(TWO_CLASSES, ["COVID", "A"])
    assert "screening_runs" in why_unanswered(ALL_CLASSES, ["COVID", "A", "B"])


def test_those_that_vote_see_lungs_and_were_trained():
    runs = runs_of(CLASSES)
    assert one_against_rest(runs) == VOTERS
    runs.loc[runs["run"] == "cnn_normal", "epochs_run"] = 0
    assert "cnn_normal" not in one_against_rest(runs)
    assert "cnn_normal" not in titles_of(runs)


def test_titles_are_plain_words():
    titles = titles_of(runs_of(CLASSES))
    assert titles["cnn_lung_opacity"] == "CNN, Lung Opacity against the rest"


def test_every_answer_has_parts():
    parts = parts_of_answers(VOTERS)
    assert set(parts) == set(ANSWERS)
    assert parts["svm"] == ("lung_extractor", "cnn", "xception", "svm")
    assert parts["one_against_rest"] == ("lung_extractor", *VOTERS)
    assert parts["naive_cnn"] == ("naive_cnn",)
