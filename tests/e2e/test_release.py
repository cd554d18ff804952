"""The data release of docs/releasing.md, walked against a small EDGAR: fetch, build the bundle from the archive, verify
it, refresh from the new bundle alone; the marts are the same.

The payloads are rendered from the shipped bundle; the release before is that bundle without NVIDIA's newest year.
"""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import run_aigap

from ingest.archive import Archive
from ingest.bundle import build_bundle, read_bundle, verify_bundle
from ingest.records import BundleError
from support import tiny
from support.fake_edgar import FakeEdgar
from support.render import edgar_folder
from support.replay import NVIDIA, World, bundle_before, filing_days, with_company_facts_of
from warehouse.store.home import Home


@pytest.fixture(scope="module")
def release(manifest, tmp_path_factory):
    """A home that fetched beside the release before, in two goes, and published; and the bundle built from it."""
    root = tmp_path_factory.mktemp("release")
    shipped = with_company_facts_of(read_bundle(), NVIDIA)
    days = sorted(filing_days(shipped))
    with FakeEdgar(root=edgar_folder(shipped, root / "edgar")) as server:
        world = World(root, server, bundle_before(shipped, days[-3], root / "before"), manifest)
        for day in (days[-2], days[-1]):
            world.becomes(day)
            world.fetch()
        world.load()
        world.run_models()
        published = world.publish()
    build_bundle(world.home.archive, root / "new", read_bundle(world.bundle))
    return world, published, root / "new", days


def test_the_new_bundle_alone_gives_the_same_marts(release, tmp_path):
    world, published, bundle, days = release
    verify_bundle(world.home.archive, bundle)
    alone = World(tmp_path, world.server, bundle, world.compiled)
    alone.becomes(days[-1])
    alone.load()
    alone.run_models()
    assert alone.publish().content_hash == published.content_hash
    with duckdb.connect(str(alone.home.published), read_only=True) as con:
        (newest,) = con.execute("select max(known_from) from marts.nvidia_data_center_revenue").fetchone()
    assert newest >= days[-1], "and not because nothing was fetched"


def test_a_second_release_is_built_onto_the_first(release, tmp_path):
    world, _, bundle, _ = release
    build_bundle(world.home.archive, tmp_path / "again", read_bundle(bundle))
    assert read_bundle(tmp_path / "again").content_hash == read_bundle(bundle).content_hash


def test_what_the_archive_got_since_is_found(release, tmp_path):
    world, _, bundle, _ = release
    archive = Archive(Path(shutil.copytree(world.home.archive, tmp_path / "archive")))
    archive.put(
        tiny.company_facts([tiny.Q1], NVIDIA),
        f"https://{tiny.facts_path(NVIDIA)}",
        kind="companyfacts",
        cik=NVIDIA,
        retrieved_at=datetime(2026, 9, 1, tzinfo=UTC),
    )
    with pytest.raises(BundleError, match=rf"CIK{NVIDIA}.json .* is only in the folder; facts: [0-9]+ rows from the"):
        verify_bundle(archive.root, bundle)


def test_the_commands_take_an_archive_as_fetch_writes_it(release, tmp_path):
    world, _, _, _ = release
    archive, out, home = str(world.home.archive), str(tmp_path / "bundle"), Home(tmp_path / "home")
    done = run_aigap(home, "bundle", "build", "--from", archive, "--out", out)
    assert done.returncode == 0, done.stderr
    assert f"built {out} from {archive}" in done.stdout
    done = run_aigap(home, "bundle", "verify", "--from", archive, "--bundle", out)
    assert (done.returncode, done.stderr) == (0, "")
    built = read_bundle(Path(out))
    assert built.facts.num_rows >= read_bundle().facts.num_rows, "what shipped before still ships"
    assert max(built.facts["filed_on"].to_pylist()) >= date(2026, 5, 1)


def test_a_damaged_archive_is_refused(release, tmp_path):
    world, _, _, _ = release
    sidecar = next(world.home.archive.glob("*/*.json"))
    before = sidecar.read_bytes()
    sidecar.write_bytes(before.replace(b"10-Q", b"10-K").replace(b"2026", b"2025"))
    try:
        with pytest.raises(BundleError, match="was changed after it was written"):
            build_bundle(world.home.archive, tmp_path / "bundle")
    finally:
        sidecar.write_bytes(before)
