"""The page: sentences, escaping, and that every chart has rows, words and a specification that compiles."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import vl_convert

from support.report_marts import ACCESSION, HOSTILE, write_marts
from warehouse import report
from warehouse.errors import Mistake, NotPublished
from warehouse.report import is_current, json_for_script, pages, refuse_others, write_report, write_site
from warehouse.report.charts import VIEWS
from warehouse.report.digits import money, percent
from warehouse.report.spec import Chart

PAGE = Path(report.__file__).parent


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_marts(tmp_path_factory.mktemp("report") / "published.duckdb")


@pytest.fixture(scope="module")
def charts(marts: Path) -> dict[str, Chart]:
    with duckdb.connect(str(marts), read_only=True) as connection:
        return {chart.id: chart for chart in (view.chart(connection) for view in VIEWS)}


@pytest.fixture
def page(marts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The whole page, without the three seconds that the real bundle takes."""
    monkeypatch.setattr(pages, "vega", lambda: "/* vega */")
    return write_report(marts, tmp_path / "deep" / "index.html").read_text("utf-8")


def carried(page: str) -> dict[str, Any]:
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def unpacked(packed: dict[str, Any]) -> list[dict[str, Any]]:
    """As the script does."""
    texts = packed.get("texts", {})
    rows = [dict(zip(packed["columns"], values, strict=True)) for values in packed["values"]]
    return [{n: texts[n][v] if n in texts and v is not None else v for n, v in row.items()} for row in rows]


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (1_424_368_000_000, "$1.42T"),
        (110_796_300_000, "$111B"),
        (18_000_000_000, "$18.0B"),
        (3_399_000_000, "$3.40B"),
        (53_300_000, "$53.3M"),
        (999_600_000_000, "$1.00T"),
        (999_400_000_000, "$999B"),
        (99_960_000_000, "$100B"),
        (9_996_000_000, "$10.0B"),
        (-46_000_000_000, "−$46.0B"),
        (0, "$0"),
        (950, "$950"),
        (None, "unknown"),
    ],
)
def test_money_has_three_digits(usd: int | None, text: str):
    assert money(usd) == text


def test_percent_keeps_small_shares_legible():
    assert [percent(Decimal(s)) for s in ("0.077786", "0.000631", "0.5", "1.472320")] == [
        "7.8%",
        "0.06%",
        "50.0%",
        "147%",
    ]
    assert percent(None) == "unknown"


# --- charts ---------------------------------------------------------------------------------------


def test_every_view_has_a_page_an_id_of_its_own_and_says_what_it_shows(charts: dict[str, Chart]):
    assert len(charts) == len(VIEWS)
    assert {view.topic for view in VIEWS} == set(pages.TOPICS)
    assert sum(view.is_on_start for view in VIEWS) == 5
    for chart in charts.values():
        follows = {*chart.where.values(), *chart.signals}
        assert chart.shows or {"scenario", "ai_basis"} & follows or chart.derive, chart.id


@pytest.mark.parametrize("number", range(len(VIEWS)))
def test_every_chart_has_words_and_a_valid_specification(charts: dict[str, Chart], number: int):
    chart = list(charts.values())[number]
    assert all(len(text) > 10 for text in (chart.title, chart.lede))
    if chart.spec is None:
        return
    assert all(len(text) > 10 for text in (chart.description, chart.key))
    for room in ("narrow", "wide"):
        specification = {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            **fit(chart.spec, room),
            "params": [{"name": name, "value": [] if name == "known" else ""} for name in chart.signals],
            "data": {"name": "rows", "values": json.loads(json_for_script(chart.rows.dicts()))},
        }
        assert vl_convert.vegalite_to_vega(specification)["marks"]


def fit(part: Any, room: str) -> Any:
    """As page.js chooses."""
    if isinstance(part, dict):
        return part[room] if room in part else {name: fit(value, room) for name, value in part.items()}
    return [fit(value, room) for value in part] if isinstance(part, list) else part


def test_every_point_has_a_label_and_every_value_its_sources(charts: dict[str, Chart]):
    for chart in charts.values():
        for point in chart.rows.dicts():
            if chart.spec and chart.derive != "sensitivity":
                assert point["chart_label"], chart.id
            if point.get("chart_usd") is not None:
                assert point["fact_ids"], (chart.id, point)
                assert point["known_from"], (chart.id, point)


def test_the_gap_chart_splits_sources_by_side(charts: dict[str, Chart]):
    points = {
        (p["chart_series"], p["calendar_quarter"]): p
        for p in charts["gap"].rows.dicts()
        if p["scenario"] in ("measured", "cahn_2024")
    }
    assert points["required", "2025Q3"]["chart_usd"] == 819_440_000_000
    assert points["required", "2025Q3"]["fact_ids"] == ["x1", "s1", "s1"]
    assert points["required", "2025Q3"]["value_kind"] == "assumed, reported"
    assert points["measured", "2025Q3"]["fact_ids"] == ["c1"]
    assert points["cahn", "2025Q4"]["chart_usd"] == 600_000_000_000
    assert ("measured", "2025Q2") not in points  # unknown is no point, not zero


def test_an_older_version_keeps_its_interval_and_its_sides(charts: dict[str, Chart]):
    old = [
        p
        for p in charts["as-known"].rows.dicts()
        if (p["chart_series"], p["scenario"]) == ("measured", "measured") and p["known_to"]
    ]
    assert [(p["chart_usd"], str(p["known_from"]), str(p["known_to"]), p["fact_ids"]) for p in old] == [
        (20_000_000_000, "2025-11-19", "2026-01-19", ["c1"])
    ]


def test_the_waterfall_closes(charts: dict[str, Chart]):
    bars = [b for b in charts["chain"].rows.dicts() if (b["calendar_quarter"], b["scenario"]) == ("2026Q2", "measured")]
    assert [(b["chart_label"], b["start_usd"], b["end_usd"]) for b in bars] == [
        ("NVIDIA data center, at a year’s pace", 0, 356_092_000_000),
        ("+ rest of the data center", 356_092_000_000, 712_184_000_000),
        ("+ margin of the users", 712_184_000_000, 1_424_368_000_000),
        ("= required revenue", 0, 1_424_368_000_000),
        ("− <i>Evil & Co", 1_424_368_000_000, 1_314_368_000_000),
        ("= the gap", 0, 1_314_368_000_000),
    ]


def test_overlap_is_drawn_apart_and_zero_is_not_drawn(charts: dict[str, Chart]):
    parts = {
        (p["company"], p["part"]): p["part_usd"]
        for p in charts["ai-revenue"].rows.dicts()
        if p["calendar_quarter"] == "2026Q2"
    }
    assert parts == {
        ("<i>Evil & Co", "counted"): 80_000_000_000,
        ("Cloud", "counted"): 29_700_000_000,
        ("Cloud", "overlap, not counted"): 40_000_000_000,
        ("App", "counted"): 300_000_000,
        ("App", "overlap, not counted"): 100_000_000,
    }


# --- the page -------------------------------------------------------------------------------------


def test_hostile_text_stays_text(page: str):
    assert page.count("<script") == 3 == page.count("</script")
    assert "<img" not in page
    assert "<!--" not in page
    assert HOSTILE in json.dumps(carried(page)["citations"], ensure_ascii=False).replace('\\"', '"')


def test_json_closes_no_script():
    text = json_for_script({"a": HOSTILE + "\u2028"})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"a": HOSTILE + "\u2028"}


def test_numbers_arrive_exact_and_sources_by_place(page: str):
    data = carried(page)
    gap = next(chart for chart in data["charts"] if chart["id"] == "gap")
    table = unpacked(gap["table"])
    newest = next(r for r in table if r["scenario"] == "measured")
    assert (newest["calendar_quarter"], newest["gap_usd"]) == ("2026Q2", 1_314_368_000_000)
    point = next(
        v for v in unpacked(gap["rows"]) if (v["calendar_quarter"], v["chart_series"]) == ("2025Q3", "required")
    )
    assert unpacked(data["citations"])[point["fact_ids"][0]]["accession"] == ACCESSION
    assert data["comments"]["gap_usd"].endswith('whole "USD".')
    first_view = {"quarter": "2026Q2", "scenario": "measured", "day": "2024-06-20"}
    assert data["state"] == {**first_view, "gpu": 0.5, "margin": 0.5}


def test_the_policy_allows_the_pages_own_scripts_and_nothing_else(page: str):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
    text = policy[1].replace("&#x27;", "'")
    assert f"default-src 'none'; script-src {hashes[0]} {hashes[1]};" in text
    assert "unsafe-eval" not in text
    assert "http" not in text


def test_the_same_file_gives_the_same_bytes(marts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages, "vega", lambda: "")
    first, second = (write_report(marts, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_marts_without_rows_still_make_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages, "vega", lambda: "")
    page = write_report(write_marts(tmp_path / "e.duckdb", empty=True), tmp_path / "i.html").read_text("utf-8")
    assert "No quarter has been published yet." in page


def test_the_build_is_named_where_the_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages, "vega", lambda: "")
    path = write_marts(tmp_path / "m.duckdb")
    assert "What was known by 2026-08-26." in write_report(path, tmp_path / "i.html").read_text("utf-8")
    assert not is_current(path, tmp_path / "i.html"), "a file that does not say which it is may be any"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            create schema meta;
            create table meta.build as select 7 as generation, timestamptz '2026-09-01 10:00:00+00' as built_at,
                date '2026-08-26' as newest_filing_on, '0001045810-26-000081' as newest_accession, 61 as checks_passed,
                'abcdef' as content_hash, ['a check of <b>mine</b>'] as warnings
            """
        )
    page = write_report(path, tmp_path / "i.html").read_text("utf-8")
    assert (
        "Published 2026-09-01 as generation 7, from filings up to 2026-08-26 (0001045810-26-000081), 61 checks" in page
    )
    assert "<li>a check of &lt;b&gt;mine&lt;/b&gt;</li>" in page
    assert is_current(path, tmp_path / "i.html")
    with duckdb.connect(str(path)) as connection:
        connection.execute("update meta.build set generation = 8")
    assert not is_current(path, tmp_path / "i.html")
    assert not is_current(path, tmp_path / "none.html")
    assert not is_current(tmp_path / "none.duckdb", tmp_path / "i.html")


def test_nothing_published_says_what_to_do(tmp_path: Path):
    with pytest.raises(NotPublished, match="run aigap refresh"):
        write_report(tmp_path / "none.duckdb", tmp_path / "i.html")
    (tmp_path / "damaged.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(NotPublished, match="damaged.duckdb cannot be opened"):
        write_report(tmp_path / "damaged.duckdb", tmp_path / "i.html")


@pytest.mark.slow
def test_the_bundle_closes_no_script():
    bundle = pages.vega()
    assert re.search("</script|<!--", bundle, re.IGNORECASE) is None
    assert "vegaEmbed" in bundle
    assert len(bundle) < 1_200_000


# --- the site -------------------------------------------------------------------------------------


def test_the_site_is_the_same_bytes_twice_and_every_link_of_it_leads_somewhere(
    marts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pages, "vega", lambda: "")
    sites = [tmp_path / name for name in ("one", "two")]
    for site in sites:
        write_site(marts, site, is_whole=False)
    files = sorted(path.relative_to(sites[0]) for path in sites[0].rglob("*") if path.is_file())
    assert len(files) > 4 * len(VIEWS)
    for file in files:
        assert (sites[0] / file).read_bytes() == (sites[1] / file).read_bytes(), file
    for page in sites[0].rglob("*.html"):
        for link in re.findall(r'<[^>]*(?:href|src)="([^"#]+)[#"]', page.read_text("utf-8")):
            if not re.match(r"https?:|data:", link):
                assert (page.parent / link).is_file(), (page, link)


# --- contrast: WCAG AA, in light and dark -----------------------------------------------------------


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_have_contrast(theme: int):
    blocks = re.findall(r":root \{(.*?)\}", (PAGE / "page.css").read_text("utf-8"), re.DOTALL)
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[theme]))
    paper, raised = colors["paper"], colors["raised"]
    for name in ("ink", "muted", "link", "required", "measured", "assumed", "cahn", "missing"):
        assert contrast(colors[name], paper) >= 4.5, name
    for name in ("ink", "muted", "link"):
        assert contrast(colors[name], raised) >= 4.5, name
    for step in range(6):
        assert contrast(colors["ink"], colors[f"h{step}"]) >= 4.5, step
    for name in ("model", "cloud", "application", *(f"c{number}" for number in range(9))):
        assert contrast(colors[name], paper) >= 3, name


def test_a_site_takes_no_folder_that_holds_something_else(tmp_path: Path, marts: Path, monkeypatch: pytest.MonkeyPatch):
    """Three folders of a site are made anew each time; a user's own of these names stay."""
    mine = tmp_path / "mine"
    (mine / "data").mkdir(parents=True)
    (mine / "index.html").write_text("<title>my page</title>")
    (tmp_path / "file").write_text("x")
    for folder in (mine, tmp_path / "file"):
        with pytest.raises(Mistake, match="name a new"):
            refuse_others(folder)
    assert (mine / "data").is_dir()
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "index.html").write_text('<meta name="generator" content="aigap 7-0123456789abcdef">')
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "none", ours):
        refuse_others(folder)
