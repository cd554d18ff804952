"""The page in a real browser: Debian's Chromium, headless, by its own driver.

Two pages: one of the shipped facts as a refresh publishes them, one of hand-made marts with hostile texts. Without
Chromium these tests skip, saying so; with AIGAP_REQUIRE_CHROMIUM=1 its absence fails.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from support.report_marts import ACCESSION, FILING, FORMULA, HOSTILE, write_marts
from warehouse.readers.words import finding
from warehouse.report import write_report, write_site
from warehouse.report.digits import money, percent


class Browser:
    """One Chromium for the module. `open` gives a fresh page in a size and a colour scheme."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, fragment: str = "", *, width: int = 1280, scheme: str = "light") -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        media = {"features": [{"name": name, "value": value} for name, value in features.items()]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.driver.get("about:blank")  # another fragment of the same page would not load it again
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(page.as_uri() + fragment)
        self.wait("return document.documentElement.dataset.ready === 'true'")
        self.driver.set_script_timeout(60)
        self.driver.execute_async_script("drawAll().then(arguments[0])")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str) -> None:
        WebDriverWait(self.driver, 60, 0.05).until(lambda _: self.run(script))

    def text(self, selector: str) -> str:
        return self.driver.find_element(By.CSS_SELECTOR, selector).get_property("textContent")

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses asked for since `open`, the page itself among them."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def click_point(self, chart: str, **columns: Any) -> None:
        """Click the middle of the first point of `chart` whose row has these values."""
        x, y = self.run(
            """
            const chart = data.charts.find(({id}) => id === arguments[0]);
            chart.box.scrollIntoView({block: 'center', behavior: 'instant'});
            chart.points = null;
            const wanted = Object.entries(arguments[1]);
            const point = points(chart).find(({row}) => wanted.every(([name, value]) => row[name] === value));
            const frame = chart.box.getBoundingClientRect();
            return [frame.left + point.x + point.width / 2, frame.top + point.y + point.height / 2];
            """,
            chart,
            columns,
        )
        for kind in ("mousePressed", "mouseReleased"):
            event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def open_tables(self) -> None:
        self.run("document.querySelectorAll('details.data').forEach((details) => { details.open = true; })")
        self.wait("return data.charts.every(({details}) => details.querySelector('tbody'))")


def _missing() -> str | None:
    missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return f"needs {' and '.join(missing)} (Debian: apt-get install chromium chromium-driver)" if missing else None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if reason := _missing():
        if os.environ.get("AIGAP_REQUIRE_CHROMIUM") == "1":
            pytest.fail(f"{reason}; AIGAP_REQUIRE_CHROMIUM=1")
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    if os.geteuid() == 0:  # the sandbox refuses root, which a container's CI is
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def page(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the shipped facts. A folder name with a space and a hash: users have them."""
    return write_report(published, tmp_path_factory.mktemp("report") / "my #1 report" / "index.html")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    return write_report(write_marts(folder / "published.duckdb"), folder / "index.html")


@pytest.fixture(scope="module")
def ask(published: Path) -> Callable[[str], list[tuple[Any, ...]]]:
    def answer(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(published), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return answer


NEWEST = """
from marts.ai_revenue_gap where scenario = 'measured' and gap_usd is not null order by calendar_quarter desc limit 1
"""


# --- what it promises to leave alone --------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_from_disk_without_a_complaint_or_a_request(browser: Browser, page: Path, scheme: str):
    browser.open(page, scheme=scheme)
    browser.open_tables()
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]
    assert browser.run("return document.querySelectorAll('.chart svg').length") == browser.run(
        "return document.querySelectorAll('.chart').length"
    )


def test_it_is_small_and_whole(page: Path):
    text = page.read_text("utf-8")
    assert len(text.encode()) < 3_000_000
    assert text.rstrip().endswith("</html>")


def test_an_attempt_to_leave_the_page_is_refused(browser: Browser, page: Path):
    browser.open(page)
    refused = browser.driver.execute_async_script(
        "const done = arguments[0]; fetch('https://example.org/').then(() => done('sent'), () => done('refused'));"
    )
    assert refused == "refused"
    assert not [url for url in browser.requests() if url.startswith("http")]


def test_hostile_text_stays_text(browser: Browser, hostile: Path):
    browser.open(hostile)
    browser.open_tables()
    browser.click_point("ai-revenue", company="<i>Evil & Co", part="counted")
    assert HOSTILE in browser.text("#card")
    assert HOSTILE in browser.text("#ai-revenue table")
    assert browser.run(
        "return [window.hacked === undefined, document.querySelectorAll('main i, main b, img').length]"
    ) == [True, 0]
    assert (
        browser.run("return [...document.querySelectorAll('a')].filter((a) => !/^(https?|file):/.test(a.href)).length")
        == 0
    )
    assert browser.complaints() == []


def test_marts_without_rows_show_an_empty_page_without_a_complaint(browser: Browser, tmp_path: Path):
    browser.open(write_report(write_marts(tmp_path / "e.duckdb", empty=True), tmp_path / "i.html"))
    assert browser.text("#headline") == "No quarter has been published yet."
    assert browser.complaints() == []


# --- numbers --------------------------------------------------------------------------------------


def test_the_headline_is_that_of_the_newest_quarter(browser: Browser, page: Path, published: Path):
    with duckdb.connect(str(published), read_only=True) as connection:
        cursor = connection.execute(f"select * {NEWEST}")
        gap = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    browser.open(page)
    assert browser.text("#headline") == finding(gap)
    shown = browser.run("return [...document.querySelectorAll('#figures dd')].map((dd) => dd.textContent)")
    assert shown == [
        *(money(gap[name]) for name in ("required_revenue_usd", "ai_revenue_usd", "gap_usd")),
        percent(gap["coverage_share"]),
    ]


def test_the_pages_words_for_numbers_are_the_programs(browser: Browser, hostile: Path):
    browser.open(hostile)
    usd = [
        0,
        950,
        999_499_999,
        999_500_000,
        3_399_000_000,
        9_996_000_000,
        99_960_000_000,
        999_600_000_000,
        1_424_368_000_000,
    ]
    usd += [-amount for amount in usd[1:]]
    assert browser.run("return arguments[0].map(money)", usd) == [money(amount) for amount in usd]
    shares = ["0", "0.000631", "0.01", "0.077786", "0.5", "1.47232"]
    assert browser.run("return arguments[0].map(percent)", list(map(float, shares))) == [
        percent(Decimal(s)) for s in shares
    ]


def test_the_pages_arithmetic_is_that_of_the_warehouse(browser: Browser, page: Path, ask):
    browser.open(page)
    for gpu, margin in (("0.4", "0.6"), ("0.37", "0.63"), ("0.7", "0.3"), ("0.333333", "0.777777")):
        rows = ask(
            f"select run_rate_usd, required_revenue_usd from marts.gap_with({gpu}, {margin}) order by calendar_quarter"
        )
        assert rows
        run_rates = [run_rate for run_rate, _ in rows]
        computed = browser.run("return arguments[0].map((usd) => required(usd, arguments[1], arguments[2]))",
                               run_rates, float(gpu), float(margin))  # fmt: skip
        assert computed == [required for _, required in rows]


def test_the_sliders_recompute_the_gap(browser: Browser, page: Path, ask):
    browser.open(page)
    slider = {
        name: browser.driver.find_element(By.CSS_SELECTOR, f"input[data-state={name}]") for name in ("gpu", "margin")
    }
    slider["gpu"].send_keys(Keys.ARROW_LEFT * 10)
    slider["margin"].send_keys(Keys.ARROW_RIGHT * 10)
    quarter, earned = ask(f"select calendar_quarter, ai_revenue_usd {NEWEST}")[0]
    ((required, gap),) = ask(
        f"select required_revenue_usd, gap_usd from marts.gap_with(0.4, 0.6) where calendar_quarter = '{quarter}'"
    )
    browser.wait("return document.querySelector('[data-show=gpu]').textContent === '40.0%'")
    assert browser.text("#sensitivity-note").startswith(
        f"{quarter}, with 40.0% GPU share and 60.0% margin: required {money(required)}. "
        f"Against {money(earned)} measured the gap is {money(gap)}."
    )
    browser.wait("return data.charts.find(({id}) => id === 'sensitivity').points === null")
    browser.click_point("sensitivity", chart_part="yours")
    assert f"{gap:,} USD" in browser.text("#card")
    assert "gpu=0.4&margin=0.6" in browser.driver.current_url


def test_the_sliders_stand_where_the_chosen_scenario_does(browser: Browser, page: Path, ask):
    shown = "return ['gpu', 'margin'].map((name) => document.querySelector(`[data-show=${name}]`).textContent)"
    every = (
        "select distinct scenario, gpu_share_of_tco, end_user_gross_margin from marts.ai_revenue_gap "
        "where gpu_share_of_tco is not null"
    )
    shares = {scenario: [percent(Decimal(gpu)), percent(Decimal(margin))] for scenario, gpu, margin in ask(every)}
    assert shares["low"] != shares["measured"] != shares["high"]
    for fragment, scenario in (("", "measured"), ("#scenario=low", "low"), ("#scenario=high", "high")):
        browser.open(page, fragment)
        assert browser.run(shown) == shares[scenario]
    browser.open(page, "#scenario=low&gpu=0.6")
    assert browser.run(shown) == ["60.0%", shares["low"][1]], "what was moved stays where it was"


def test_a_past_day_sees_what_it_could(browser: Browser, page: Path, ask):
    day = "2024-06-20"
    browser.open(page, f"#day={day}")
    known = f"from marts.gap_as_of(date '{day}') where scenario = 'measured'"
    quarter, required = ask(f"select calendar_quarter, required_revenue_usd {known} order by 1 desc limit 1")[0]
    assert browser.text("[data-show=day]") == "20 June 2024"
    assert f"The newest quarter then was {quarter}: required {money(required)}" in browser.text("#as-known-note")
    browser.open_tables()
    count = ask(f"select count(*) from marts.gap_as_of(date '{day}')")[0][0]
    assert browser.run("return document.querySelectorAll('#as-known tbody tr').length") == count
    browser.driver.find_element(By.CSS_SELECTOR, "[data-step=day][data-by='-1']").click()
    before = ask(f"select max(known_from) from marts.ai_revenue_gap_versions where known_from < date '{day}'")[0][0]
    assert f"day={before}" in browser.driver.current_url


# --- sources, choices, tables ---------------------------------------------------------------------


def test_a_point_leads_to_its_filing(browser: Browser, hostile: Path):
    browser.open(hostile)
    browser.click_point("gap", calendar_quarter="2025Q3", chart_series="required")
    card = browser.text("#card")
    for text in ("$819B", "819,440,000,000 USD", "assumed, reported", "2025-11-19", ACCESSION):
        assert text in card
    assert browser.run("return document.querySelector('#card a').href") == FILING


def test_every_filing_linked_is_the_filing_cited(browser: Browser, page: Path, ask):
    browser.open(page)
    cited = {url for (url,) in ask("select source_url from marts.citations where source_url like 'http%'")}
    browser.open_tables()
    browser.run("document.querySelectorAll('td.sources details').forEach((more) => { more.open = true; })")
    linked = browser.run(
        "return [...new Set([...document.querySelectorAll('td a')].map((a) => a.getAttribute('href')))]"
    )
    assert len(linked) > 100
    assert set(linked) <= cited
    wrong = browser.run(
        "return data.charts.flatMap(({citations}) => citations)"
        ".filter((c) => c.accession && /sec.gov.Archives/.test(c.source_url) "
        "&& !c.source_url.includes(c.accession.replaceAll('-', ''))).map((c) => c.fact_id)"
    )
    assert wrong == []


def test_the_keyboard_reaches_points_and_their_sources(browser: Browser, hostile: Path):
    browser.open(hostile)
    chart = browser.driver.find_element(By.ID, "gap-chart")
    chart.send_keys(Keys.HOME)
    first = browser.text("#card h3")
    chart.send_keys(Keys.ARROW_RIGHT)
    assert browser.text("#card h3") != first
    chart.send_keys(Keys.ENTER)
    assert browser.run("return document.activeElement.closest('#card') !== null")
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert browser.run("return [document.getElementById('card').hidden, document.activeElement.id]") == [
        True,
        "gap-chart",
    ]


def test_an_address_keeps_quarter_and_scenario(browser: Browser, hostile: Path):
    browser.open(hostile, "#quarter=2025Q3&scenario=low&basis=including_finance_leases")
    low = "required_revenue_usd"
    assert browser.run(
        f"return data.charts[0].table.find((r) => r.calendar_quarter === '2025Q3' && r.scenario === 'low').{low}"
    )
    selects = {
        name: Select(browser.driver.find_element(By.CSS_SELECTOR, f"select[data-state={name}]"))
        for name in ("quarter", "scenario")
    }
    assert [select.first_selected_option.get_attribute("value") for select in selects.values()] == ["2025Q3", "low"]
    assert "2025Q3: NVIDIA" in browser.text("#headline")
    assert browser.run("return document.querySelector('input[value=including_finance_leases]').checked")
    selects["scenario"].select_by_value("cahn_2024")  # its only quarter comes with it
    browser.wait("return location.hash.startsWith('#quarter=2025Q4&scenario=cahn_2024')")
    assert "$600.0B" in browser.text("#headline")


@pytest.mark.parametrize(
    "fragment", ["#quarter=1999Q9&scenario=%3Cb%3E&gpu=9&margin=x&day=2999-01-01&basis=__proto__", "#capex", "#%"]
)
def test_a_broken_address_opens_the_front_page(browser: Browser, hostile: Path, fragment: str):
    browser.open(hostile, fragment)
    assert "2026Q2: NVIDIA" in browser.text("#headline")
    assert browser.complaints() == []


def test_tables_sort_and_explain_their_columns(browser: Browser, hostile: Path):
    browser.open(hostile)
    browser.open_tables()
    header = "#gap th:has([data-column=gap_usd])"
    assert (
        browser.run(f"return document.querySelector('{header}').title")
        == 'required_revenue_usd - ai_revenue_usd, whole "USD".'
    )
    for order, sign in (("ascending", 1), ("descending", -1)):
        browser.run(f"document.querySelector('{header} button').click()")
        assert browser.run(f"return document.querySelector('{header}').getAttribute('aria-sort')") == order
        cells = browser.run("return [...document.querySelectorAll('#gap td:nth-child(5)')].map((td) => td.title)")
        values = [int(text.replace(",", "").removesuffix(" USD")) for text in cells if text]
        assert values == sorted(values, reverse=sign < 0)
        assert cells[-1] == ""  # the unknown last, whichever way


def test_a_csv_is_exact_and_no_cell_of_it_is_a_formula(browser: Browser, hostile: Path):
    browser.open(hostile)
    text = browser.run(
        "const {table} = data.charts[0]; return csv(data.charts[0], table, visible(data.charts[0], table))"
    )
    lines = text.splitlines()
    assert lines[0].startswith("calendar_quarter,scenario,required_revenue_usd,ai_revenue_usd,gap_usd,")
    assert lines[0].endswith("known_from,fact_ids,accessions,source_urls")
    measured = next(line for line in lines if line.startswith("2026Q2,measured,"))
    assert "1424368000000,110000000000,1314368000000" in measured
    assert "0001045810-26-000081" in measured
    rows = [{"source_title": FORMULA, "gap_usd": -5, "fact_ids": []}]
    inert = browser.run("return csv(data.charts[0], arguments[0], ['source_title', 'gap_usd'])", rows)
    assert inert.splitlines()[1] == '"\'=HYPERLINK(""http://evil.example"")",-5'


OVERLAP = """
const bad = [];
for (const svg of document.querySelectorAll('.chart svg')) {
  const {id} = svg.closest('section');
  const texts = [...svg.querySelectorAll('text')].filter((text) => text.textContent.trim());
  const boxes = texts.map((text) => text.getBoundingClientRect());
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
    const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (width > 1 && height > 3) bad.push([id, texts[i].textContent, texts[i + 1 + j].textContent]);
  }));
  boxes.forEach((a, i) => { if (a.left < -1 || a.right > innerWidth + 1) bad.push([id, texts[i].textContent]); });
}
return bad;
"""


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_no_label_lies_on_another_in_any_state(browser: Browser, page: Path, width: int, scheme: str):
    """Every scenario, on its newest quarter and on an early one; a theme changes no place, so each width takes one."""
    browser.open(page, width=width, scheme=scheme)
    states = browser.run(
        "const quarters = Object.keys(data.statements);"
        "return Object.keys(data.scenarios).flatMap((scenario) => {"
        "  const has = quarters.filter((quarter) => scenario in data.statements[quarter]);"
        "  const some = new Set([has[0], has[Math.floor(has.length / 2)], has.at(-1)]);"
        "  return [...some].map((quarter) => [quarter, scenario]);"
        "}).filter(([quarter]) => quarter)"
    )
    assert len(states) > 10
    for quarter, scenario in states:
        bad = browser.driver.execute_async_script(
            "const [quarter, scenario, done] = arguments; Object.assign(state, {quarter, scenario}); follow(); say();"
            f"Promise.all(data.charts.map((chart) => redraw(chart))).then(() => done((() => {{{OVERLAP}}})()));",
            quarter,
            scenario,
        )
        assert bad == [], (quarter, scenario)


def test_a_page_of_the_site_loads_only_what_lies_beside_it(browser: Browser, published: Path, tmp_path: Path):
    start = write_site(published, tmp_path / "my #1 site", is_whole=False)
    browser.open(start)
    assert browser.complaints() == []
    assert browser.run("return document.querySelectorAll('.chart svg').length") == 5
    folder = start.parent.as_uri()
    assert all(url.startswith((folder, "data:")) for url in browser.requests())


# --- for everyone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 1600])
def test_no_width_scrolls_sideways(browser: Browser, page: Path, width: int):
    browser.open(page, width=width)
    browser.open_tables()
    assert browser.run("return document.documentElement.scrollWidth") <= width
    outside = browser.run(
        "return [...document.querySelectorAll('.chart svg')].map((svg) => svg.getBoundingClientRect().right)"
        ".filter((right) => right > innerWidth + 1).length"
    )
    assert outside == 0


def test_everything_has_a_name_for_a_screen_reader(browser: Browser, page: Path):
    browser.open(page)
    browser.driver.find_element(By.CSS_SELECTOR, "#microsoft summary").click()
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {
        "button",
        "link",
        "slider",
        "radio",
        "combobox",
        "application",
        "region",
        "heading",
        "DisclosureTriangle",
        "table",
    }
    nameless = [
        node["role"]["value"]
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in named and not node.get("name", {}).get("value", "").strip()
    ]
    assert nameless == []
    charts = [node for node in nodes if node["role"]["value"] == "application"]
    assert len(charts) == browser.run("return document.querySelectorAll('.chart').length")
    assert all(len(node["description"]["value"]) > 40 for node in charts)
    levels = browser.run("return [...document.querySelectorAll('h1, h2')].map((h) => h.tagName)")
    assert levels[0] == "H1"
    assert set(levels[1:]) == {"H2"}


def test_it_prints_on_paper_in_light_colours(browser: Browser, page: Path):
    browser.open(page, scheme="dark")
    printed = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert printed.startswith(b"%PDF")
    browser.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    try:
        ink = browser.run("return getComputedStyle(document.body).color")
        assert max(map(int, ink.removeprefix("rgb(").removesuffix(")").split(","))) < 64
        assert browser.run("return getComputedStyle(document.querySelector('.controls')).display") == "none"
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
