"""T50: a machine with little memory."""

import shutil

import duckdb
from conftest import run_aigap

from warehouse.store.home import Home, read_last_refresh


def content(home: Home) -> tuple:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute("select content_hash, checks_passed from meta.build").fetchone()


def test_t50_too_little_memory_fails_cleanly(refreshed, tmp_path):
    """That 200 MB will do is shown where a refresh from nothing known is needed anyway (e2e/test_refresh.py)."""
    home = Home(shutil.copytree(refreshed.home.root, tmp_path / "home", symlinks=True))
    done = run_aigap(home, "refresh", AIGAP_MEMORY_LIMIT="20MB")
    assert done.returncode == 1
    assert "aigap: load_raw: " in done.stderr
    assert "could not allocate block" in done.stderr
    assert "Traceback" not in done.stderr
    assert "readers keep ai_revenue_gap-000001.duckdb" in done.stderr
    assert read_last_refresh(home)["outcome"] == "failed"
    assert content(home) == content(refreshed.home)
