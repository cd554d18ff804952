"""A company that sells AI compute and nothing else files a 10-Q: nobody types its quarter.

The filings are made up, in the shape of CoreWeave's: three months, the year to date, and the same of the year before.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import orjson
import pyarrow as pa
import pytest

from ingest.bundle import read_bundle
from ingest.companies import watch_list
from ingest.records import FACTS
from support import render
from support.fake_edgar import FakeEdgar, filing_index
from support.replay import NVIDIA, World, bundle_before, with_company_facts_of
from support.tiny import facts_path, folder, list_path

COMPANY = next(company for company in watch_list() if company.role == "ai_compute")
TODAY, TOMORROW = date(2026, 11, 25), date(2026, 11, 27)
#: Filed of the second quarter of 2026, of which 2,575 million was typed, and of the third, of which nothing was.
FILED, NEXT = 2_575_412_000, 3_240_117_000
TYPED = 2_575_000_000


class Report(NamedTuple):
    accession: str
    end: date
    #: What it states, by the first month of the period.
    revenue: dict[date, int]

    @property
    def filing(self) -> dict[str, object]:
        about = {"accession": self.accession, "form": "10-Q", "filed_on": TOMORROW, "report_date": self.end}
        return about | {"accepted_at_received": f"{TOMORROW}T16:31:07.000Z", "primary_document": f"{self._stem}.htm"}

    @property
    def _stem(self) -> str:
        return f"crwv-{self.end:%Y%m%d}"

    @property
    def facts(self) -> pa.Table:
        row = {"cik": COMPANY.cik, "accession": self.accession, "form": "10-Q", "filed_on": TOMORROW, "dimensions": ""}
        row |= {"concept": "us-gaap:Revenues", "unit": "USD", "decimals": "-3", "period_end": self.end}
        stated = [row | {"period_start": start, "value": Decimal(value)} for start, value in self.revenue.items()]
        return pa.Table.from_pylist(stated, FACTS)

    @property
    def pages(self) -> dict[str, bytes]:
        here, document = folder(self.accession, COMPANY.cik), f"{self._stem}.htm"
        body = render.inline(self.facts, cik=COMPANY.cik, form="10-Q", report_date=self.end)
        index = filing_index(COMPANY.cik, self.accession, {document: str(len(body)), f"{self._stem}.xsd": "500"})
        return {f"{here}/{document}": body, f"{here}/index.json": index}


SECOND = Report(
    "0001769628-26-000366",
    date(2026, 6, 30),
    {date(2026, 4, 1): FILED, date(2026, 1, 1): 2_078_000_000 + FILED},
)
THIRD = Report(
    "0001769628-26-000501",
    date(2026, 9, 30),
    {date(2026, 7, 1): NEXT, date(2026, 1, 1): 2_078_000_000 + FILED + NEXT},
)


def _files(server: FakeEdgar, *reports: Report) -> None:
    server.pages[list_path(COMPANY.cik)] = render.submissions(COMPANY.cik, [report.filing for report in reports])
    facts = orjson.dumps({"cik": int(COMPANY.cik), "entityName": COMPANY.name, "facts": {}})
    server.pages[facts_path(COMPANY.cik)] = facts  # it lags the filing
    for report in reports:
        server.pages |= report.pages


def _pass(world: World) -> None:
    world.fetch()
    world.load()
    world.run_models()
    world.publish()


class Evening(NamedTuple):
    """What the marts say at the end of a day."""

    #: (company, quarter) -> before netting, after it, source, fact ids.
    companies: dict[tuple[str, str], tuple[int, int, str, list[str]]]
    totals: dict[str, int]
    coverage: dict[str, str | None]
    accessions: dict[str, str | None]


def _evening(world: World) -> Evening:
    basis = "where ai_revenue_basis = 'estimated_run_rate' and central_usd is not null"
    with world.build_file() as con:
        series = con.execute(
            "select company, calendar_quarter, gross_usd, central_usd, source_kind, fact_ids "
            f"from marts.ai_revenue_series {basis}"
        ).fetchall()
        totals = con.execute(f"select calendar_quarter, central_usd from marts.ai_revenue_totals {basis}").fetchall()
        coverage = con.execute(
            "select calendar_quarter, reason_missing from marts.coverage "
            "where metric = 'total_revenue' and company = ?",
            [COMPANY.name],
        ).fetchall()
        accessions = con.execute("select fact_id, accession from marts.citations").fetchall()
    return Evening({row[:2]: row[2:] for row in series}, dict(totals), dict(coverage), dict(accessions))


@pytest.fixture(scope="module")
def days(manifest, tmp_path_factory):
    """The evening before CoreWeave files, and the evening after."""
    root = tmp_path_factory.mktemp("world")
    bundle = with_company_facts_of(read_bundle(), NVIDIA)
    seen = []
    with FakeEdgar(root=render.edgar_folder(bundle, root / "edgar")) as server:
        world = World(root, server, bundle_before(bundle, TODAY, root / "bundle"), manifest)
        for day, reports in ((TODAY, ()), (TOMORROW, (SECOND, THIRD))):
            world.becomes(day)
            _files(server, *reports)
            _pass(world)
            seen.append(_evening(world))
    return seen


def test_until_it_files_its_typed_quarters_are_the_number_and_coverage_says_so(days):
    before, _ = days
    gross, _, source, _ = before.companies[COMPANY.name, "2026Q2"]
    assert (gross, source) == (4 * TYPED, "company_filing")
    assert min(before.coverage) == "2024Q1"
    assert set(before.coverage.values()) == {"expected and missing: no filing of this company at hand, run aigap fetch"}


def test_its_filing_makes_its_quarters(days):
    _, after = days
    for quarter, report, value in (("2026Q2", SECOND, FILED), ("2026Q3", THIRD, NEXT)):
        gross, _, source, fact_ids = after.companies[COMPANY.name, quarter]
        assert (gross, source) == (4 * value, "xbrl")
        assert report.accession in {after.accessions[fact_id] for fact_id in fact_ids}
        assert after.coverage[quarter] is None
    # The half year less the second quarter is the first, and a filed number too.
    assert after.companies[COMPANY.name, "2026Q1"][0] == 4 * 2_078_000_000
    assert after.coverage["2025Q4"] is not None


def test_the_total_moves_by_the_difference_and_nothing_else_moves(days):
    before, after = days
    quarter = "2026Q2"

    def gross(evening: Evening) -> dict[str, int]:
        return {company: row[0] for (company, of), row in evening.companies.items() if of == quarter}

    moved = {company: gross(after)[company] - usd for company, usd in gross(before).items()}
    assert {company: usd for company, usd in moved.items() if usd} == {COMPANY.name: 4 * (FILED - TYPED)}
    assert gross(before).keys() == gross(after).keys()
    for evening in days:
        assert evening.totals[quarter] == sum(row[1] for (_, of), row in evening.companies.items() if of == quarter)
    # What the labs are said to pay is netted at the same share, and the rest of the difference is in the total.
    one, other = (evening.companies[COMPANY.name, quarter] for evening in days)
    assert after.totals[quarter] - before.totals[quarter] == other[1] - one[1]
    kept = Fraction(one[1], one[0])
    assert 0 < kept < 1
    assert other[1] - one[1] == kept * 4 * (FILED - TYPED)
