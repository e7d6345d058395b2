import numpy as np
import pytest
from covid_xray.models.feature_cache import StaleFeaturesError, TrunkFeatures

KEY = {"weights": "1f", "images": "9c", "input_side": 224, "dtype": "float32"}
CACHED = TrunkFeatures(KEY, np.arange(6, dtype=np.float32).reshape(3, 2))


def test_activations_of_the_same_key_are_given_as_they_are():
    assert CACHED.checked(dict(reversed(KEY.items()))) is CACHED.rows


@pytest.mark.parametrize(
    "change",
    [{"images": "9d"}, {"input_side": 64}, {"weights": "2f", "dtype": "float16"}, {"cut": "new"}],
)
def test_what_changed_is_named_and_nothing_else_with_the_run_that_mends_it(change):
    with pytest.raises(StaleFeaturesError) as raised:
        CACHED.checked(KEY | change)
    told, remedy = str(raised.value).split(". ", 1)
    assert told.endswith(f"other values of {', '.join(n for n in [*KEY, 'cut'] if n in change)}")
    assert "kedro run --pipelines modeling" in remedy
