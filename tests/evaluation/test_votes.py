"""Votes of several networks, from a long table of predictions."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.evaluation.predictions import long_predictions
from covid_xray.evaluation.votes import vote_one_against_rest, vote_softly


def predictions_of(target, probabilities, ids="abc"):
    rest = f"non-{target}"
    sure = np.array(probabilities)
    return pd.DataFrame(
        {
            "image_id": list(ids),
            "group_id": list(ids),
            "split": "test",
            "label": rest,
            "predicted": np.where(sure > 0.5, target, rest),
            f"probability_{target}": sure,
            f"probability_{rest}": 1 - sure,
        }
    )


def long_table(**tables):
    return long_predictions("cnn", tables)


def test_soft_voting_takes_the_mean_probability():
    one, other = (predictions_of("COVID", own) for own in ([0.9, 0.2, 0.6], [0.3, 0.1, 0.2]))
    third = predictions_of("Normal", [0.5, 0.5, 0.5])
    voted = vote_softly(long_table(one=one, third=third, other=other), ["one", "other"])
    assert voted["probability_COVID"].tolist() == pytest.approx([0.6, 0.15, 0.4])
    assert voted["predicted"].tolist() == ["COVID", "non-COVID", "non-COVID"]
    assert list(voted) == list(one)


def test_runs_on_other_radiographs_cannot_vote():
    one, other = (predictions_of("COVID", [0.9, 0.2, 0.6], ids) for ids in ("abc", "abd"))
    with pytest.raises(ValueError, match="did not predict the same radiographs"):
        vote_softly(long_table(one=one, other=other), ["one", "other"])


def test_of_models_of_one_class_each_the_surest_wins():
    labels = pd.Series(["COVID", "Normal", "Normal"], index=list("abc"))
    table = long_table(
        one=predictions_of("COVID", [0.8, 0.1, 0.0]), other=predictions_of("Normal", [0.4, 0.2, 0])
    )
    voted = vote_one_against_rest(table, {"one": "COVID", "other": "Normal"}, labels)
    assert voted["label"].tolist() == ["COVID", "Normal", "Normal"]
    assert voted["predicted"].tolist()[:2] == ["COVID", "Normal"]
    # Nobody speaks for the third: all classes are as likely.
    assert voted["probability_COVID"].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 2])
    assert voted["probability_Normal"].tolist() == pytest.approx([1 / 3, 2 / 3, 1 / 2])


def test_a_class_without_a_model_stops_the_vote():
    labels = pd.Series(["COVID", "Flu", "Normal"], index=list("abc"))
    table = long_table(**{name: predictions_of(name, [0.5] * 3) for name in ("COVID", "Normal")})
    with pytest.raises(ValueError, match="No model tells Flu from the rest"):
        vote_one_against_rest(table, {"COVID": "COVID", "Normal": "Normal"}, labels)
