import pytest

from support.study import engineer


@pytest.fixture(scope="session")
def study(phantom):
    """What `data_engineering` makes of the phantom study, in memory; read only."""
    return engineer(phantom[0])
