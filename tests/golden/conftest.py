"""One read-only connection to the published file for all golden values."""

import duckdb
import pytest


@pytest.fixture(scope="module")
def con(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        yield connection
