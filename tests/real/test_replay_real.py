"""Real payloads appear on the days they were filed; each day's numbers are those the as-of tables give for that day.

tests/e2e/test_replay_harness.py plays all of NVIDIA's filings, rendered from the bundle. Here the eight since
there is a gap to publish: real documents are a hundred times the size.
"""

from ingest.bundle import read_bundle
from support import render
from support.fake_edgar import FakeEdgar
from support.replay import FIRST_ESSAY, World, assert_no_news_is_cheap, bundle_before, filing_days, play
from support.tiny import list_path

COREWEAVE = "0001769628"


def test_each_filing_makes_the_numbers_of_its_day(shared, published, manifest, tmp_path):
    bundle = read_bundle()
    days = {day: accession for day, accession in filing_days(bundle).items() if day > FIRST_ESSAY}
    assert len(days) == 8
    with FakeEdgar(root=shared / "edgar", etags_on_data=True) as server:
        # None of CoreWeave's payloads is at hand: it has filed nothing here.
        server.pages[list_path(COREWEAVE)] = render.submissions(COREWEAVE, [])
        world = World(tmp_path, server, bundle_before(bundle, min(days), tmp_path / "bundle"), manifest)
        for day, accession in days.items():
            play(world, day, accession, published)
        assert_no_news_is_cheap(world)
