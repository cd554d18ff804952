"""Tests here read real EDGAR payloads kept beside the checkout (../shared); CI requires them."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real payloads; its absence skips, or fails where AIGAP_REQUIRE_SHARED=1."""
    root = Path(__file__).resolve().parents[3] / "shared"
    if not (root / "edgar" / "MANIFEST.csv").is_file():
        if os.environ.get("AIGAP_REQUIRE_SHARED") == "1":
            pytest.fail(f"{root} must hold the real payloads (AIGAP_REQUIRE_SHARED=1)")
        pytest.skip("needs ../shared/edgar: real EDGAR payloads that are not part of the project")
    return root
