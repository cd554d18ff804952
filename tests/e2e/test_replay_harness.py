"""NVIDIA's filings appear one by one, as they did; each day's numbers are those the as-of tables give for that day.

The payloads are rendered from the bundle; tests/real/test_replay_real.py plays the same with real ones.
"""

import pytest

from ingest.bundle import build_bundle, read_bundle
from support.fake_edgar import FakeEdgar
from support.render import edgar_folder
from support.replay import (
    NVIDIA,
    World,
    assert_no_news_is_cheap,
    bundle_before,
    filing_days,
    play,
    with_company_facts_of,
)


@pytest.fixture(scope="module")
def bundle():
    return read_bundle()


def test_the_rendered_folder_gives_the_bundle_again(bundle, tmp_path):
    build_bundle(edgar_folder(bundle, tmp_path / "edgar"), tmp_path / "bundle")
    again = read_bundle(tmp_path / "bundle")
    of_bytes = ["sha256", "source_url"]
    assert again.facts.drop_columns(of_bytes).equals(bundle.facts.drop_columns(of_bytes))
    assert again.filings.drop_columns(of_bytes).equals(bundle.filings.drop_columns(of_bytes))


def test_each_filing_makes_the_numbers_of_its_day(bundle, published, manifest, tmp_path):
    """All 22, from the 10-Q of 2020-05-21 on."""
    bundle = with_company_facts_of(bundle, NVIDIA)
    days = filing_days(bundle)
    assert len(days) == 22
    with FakeEdgar(root=edgar_folder(bundle, tmp_path / "edgar"), etags_on_data=True) as server:
        world = World(tmp_path, server, bundle_before(bundle, min(days), tmp_path / "bundle"), manifest)
        for day, accession in days.items():
            play(world, day, accession, published)
        assert world.home.generation_numbers()[-1] == 8
        assert_no_news_is_cheap(world)
