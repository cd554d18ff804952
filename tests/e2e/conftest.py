"""What the end-to-end tests share of the session's one refresh."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def manifest(refreshed) -> Path:
    """The compiled dbt manifest of that refresh."""
    return refreshed.home.root / "dbt" / "target" / "manifest.json"
