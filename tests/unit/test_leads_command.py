"""`aigap leads`: what it lists, what accepting and dismissing a lead does, and what it refuses."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.archive import Archive
from ingest.curated.figures import read_figures
from orchestration.commands.main import main
from orchestration.leads import accept, dismiss, leads
from warehouse.errors import Mistake, WarehouseError
from warehouse.store.home import Home

URL = "https://www.sec.gov/Archives/edgar/data/789019/000000000126000001/pr.htm"
RELEASE = b"""<html><body><p>Example today announced results for the quarter ended March 31, 2026.</p>
<p>Our AI business surpassed an annual revenue run rate of $21 billion.</p>
<p>We expect fiscal 2027 capital expenditures of $70 billion to $80 billion, up from our
prior range of $60-65 billion.</p>
<p>AI revenue was $3.5 billion.</p><p>Our AI is a multi-billion-dollar business.</p></body></html>"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    put(home, RELEASE, URL)
    return home


def put(home: Home, body: bytes, url: str, cik: str = "0000789019") -> None:
    Archive(home.archive).put(
        body,
        url,
        kind="exhibit",
        retrieved_at=datetime(2026, 4, 30, tzinfo=UTC),
        cik=cik,
        accession="0000000001-26-000001",
        form="8-K",
        filed_on="2026-04-29",
    )


def by_kind(home: Home, kind: str) -> str:
    return next(found.id for found in leads(home) if found.lead.kind == kind)


def test_all_leads_are_open_and_say_where_they_stand(home):
    found = leads(home)
    assert [f.lead.kind for f in found] == ["ai_run_rate", "capex_guidance", "ai_revenue", "ai_revenue"]
    assert {(f.state, f.company.ticker, f.entry.url, str(f.reported_on)) for f in found} == {
        ("open", "MSFT", URL, "2026-03-31")
    }


def test_who_is_not_on_the_list_has_no_leads(home):
    put(home, RELEASE, URL.replace("789019", "42"), cik="0000000042")
    assert len(leads(home)) == 4


def test_an_accepted_run_rate_is_a_figure_of_ones_own(home):
    row, path = accept(home, by_kind(home, "ai_run_rate"), {"company": "Microsoft (AI business)"})
    assert path == home.figures / "leads.csv"
    assert (row["value"], row["unit"], row["qualifier"]) == ("21000000000", "USD", "at_least")
    (figure,) = read_figures(home.figures).table.to_pylist()
    assert figure["company"] == "Microsoft (AI business)"
    assert figure["metric"] == "annualized_run_rate"
    assert (str(figure["period_end"]), str(figure["known_on"])) == ("2026-03-31", "2026-04-29")
    assert figure["is_citable"]
    assert figure["source_url"] == URL
    assert "0000000001-26-000001" in figure["source_title"]

    assert next(f.state for f in leads(home) if f.lead.kind == "ai_run_rate") == "accepted"
    with pytest.raises(Mistake, match="accepted before"):
        accept(home, by_kind(home, "ai_run_rate"), {})
    with pytest.raises(Mistake, match="take its row out"):
        dismiss(home, by_kind(home, "ai_run_rate"), "no")


def test_guidance_takes_the_new_range_and_the_fiscal_year(home):
    row, _ = accept(home, by_kind(home, "capex_guidance"), {})
    assert (row["value"], row["low_value"], row["high_value"]) == ("", "70000000000", "80000000000")
    assert (row["period_start"], row["period_end"], row["period_label"]) == ("2026-07-01", "2027-06-30", "FY2027")
    assert row["qualifier"] == "range"


def test_a_quarter_takes_its_three_months(home):
    row, _ = accept(home, by_kind(home, "ai_revenue"), {})
    assert (row["metric"], row["period_start"], row["period_end"]) == ("quarterly_revenue", "2026-01-01", "2026-03-31")


def test_an_amount_in_words_needs_a_number_from_the_person(home):
    vague = next(f.id for f in leads(home) if "multi-billion" in f.lead.sentence)
    with pytest.raises(Mistake, match="is no figure as it is: .*--set"):
        accept(home, vague, {})
    assert not home.figures.exists()
    assert next(f.state for f in leads(home) if f.id == vague) == "open"
    row, _ = accept(home, vague, {"low_value": "2000000000", "unit": "USD", "qualifier": "at_least"})
    assert row["low_value"] == "2000000000"


def test_the_same_figure_is_not_written_twice(home):
    accept(home, by_kind(home, "ai_run_rate"), {})
    home.lead_verdicts.unlink()
    with pytest.raises(Mistake, match="holds that figure"):
        accept(home, by_kind(home, "ai_run_rate"), {})


def test_rows_are_added_to_what_a_hand_wrote(home):
    accept(home, by_kind(home, "ai_run_rate"), {})
    path = home.figures / "leads.csv"
    path.write_text(path.read_text().rstrip("\n"))
    accept(home, by_kind(home, "capex_guidance"), {})
    with path.open(newline="") as file:
        assert [row["metric"] for row in csv.DictReader(file)] == ["annualized_run_rate", "capex_guidance"]


def test_no_such_lead_and_no_such_column(home):
    with pytest.raises(Mistake, match="there is no lead 'l0'"):
        accept(home, "l0", {})
    with pytest.raises(Mistake, match="colour: no column of a figure"):
        accept(home, by_kind(home, "ai_run_rate"), {"colour": "green"})
    with pytest.raises(Mistake, match="say why"):
        dismiss(home, by_kind(home, "ai_run_rate"), " ")


def test_a_damaged_verdict_is_named(home):
    home.lead_verdicts.write_text('{"lead": "l1", "state": "dismissed", "why": "x"}\n{"lead"\n')
    with pytest.raises(WarehouseError, match="line 2 is no verdict"):
        leads(home)


def test_the_command(home, capsys):
    arguments = ["--home", str(home.root)]
    assert main(["leads", *arguments, "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["amounts"] for row in listed] == [
        "$21 billion",
        "$70 billion to $80 billion; $60-65 billion (prior)",
        "$3.5 billion",
        "multi-billion-dollar",
    ]
    assert main(["leads", "dismiss", listed[3]["lead"], "--why", "no number", *arguments]) == 0
    assert main(["leads", "accept", listed[0]["lead"], "--set", "company=Microsoft (AI business)", *arguments]) == 0
    assert "company = Microsoft (AI business)" in capsys.readouterr().out
    assert main(["leads", *arguments, "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert main(["leads", *arguments, "--all", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [(row["state"], row["why"]) for row in shown][3] == ("dismissed", "no number")
    assert main(["leads", "accept", "l0", *arguments]) == 2
