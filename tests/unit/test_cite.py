import re
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from orchestration.commands import main as cli
from support.small_warehouse import change_build, publish_small, small_home
from warehouse.errors import Mistake
from warehouse.formats import markdown, markdown_text, one_line
from warehouse.readers.cite import STYLES, Footnote, Source, footnote, text
from warehouse.readers.read import open_published

EXHIBIT = "https://www.sec.gov/Archives/edgar/data/1045810/000104581026000073/q2fy27cfocommentary.htm"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = small_home(tmp_path_factory.mktemp("cite"))
    change_build(
        home,
        # The newest quarter is known from an exhibit first: its accession stands in the address only.
        f"""
        update marts.citations set accession = null, form = null, source_kind = 'press_release',
            source_title = 'CFO Commentary', source_url = '{EXHIBIT}' where fact_id = 'x2';
        insert into marts.ai_revenue_gap select * replace ('low' as scenario, 855500000000 as gap_usd)
            from marts.ai_revenue_gap where scenario = 'measured' and calendar_quarter = '2026Q2';
        insert into marts.ai_revenue_gap select * replace ('high' as scenario, 2497900000000 as gap_usd)
            from marts.ai_revenue_gap where scenario = 'measured' and calendar_quarter = '2026Q2';
        insert into marts.ai_revenue_gap_components
            select * replace ('cahn_method' as scenario,
                case component when 'ai_revenue:Example' then ['s1'] else fact_ids end as fact_ids)
            from marts.ai_revenue_gap_components where scenario = 'measured';
        """,
    )
    publish_small(home)
    return home


@pytest.fixture
def connection(home):
    with open_published(home) as connection:
        yield connection


# --- what it says ------------------------------------------------------------------------------------------------


def test_a_footnote_has_number_day_accession_address_and_doubt(connection):
    note = footnote(connection, "FY27Q2")
    assert note.key == "aigap-2026q2-measured"
    assert note.known_from == date(2026, 8, 26)
    assert [(s.accession, s.url) for s in note.sources] == [
        ("0001045810-26-000073", EXHIBIT),
        (None, "https://example.org/b"),
    ]
    said = text(note, "plain")
    for part in (
        "AI revenue gap of 2026Q2 (scenario measured): $1,324.4B (1,324,368,000,000 USD) = "
        "required AI revenue $1,424.4B (1,424,368,000,000 USD) - AI revenue $100.0B.",
        "Known from 2026-08-26; computed by ai-revenue-gap 0.1.0, generation 1, content hash ",
        "NVIDIA, CFO Commentary, filed 2026-08-26, for 2026-04-27 to 2026-07-26, accession 0001045810-26-000073, "
        + EXHIBIT,
        "AI's $200B Question, published 2023-09-20, https://example.org/b.",
        "AI revenue: 1 statement (1 company statement), the newest of 2026-07-15, all listed by aigap explain 2026Q2.",
        "assumed: GPU share 50.0%, end-user margin 50.0%",
        "the gap, at the ends of the sourced shares too, $855.5B to $2,497.9B.",
        "not every year.",
    ):
        assert part in said
    assert said.count("\n") == 1


def test_an_assumed_ai_revenue_names_its_essay_once_and_says_that_it_is_assumed(connection):
    said = text(footnote(connection, "2026Q2", "cahn_method"), "plain")
    assert said.count("AI's $200B Question") == 1
    assert "AI revenue is assumed, not measured" in said
    assert "Not like for like" in said
    assert "statements" not in said
    assert "At the ends" not in said


def test_a_gap_that_is_not_known_is_not_made_up(connection):
    said = text(footnote(connection, "2026Q1"), "plain")
    assert "AI revenue gap of 2026Q1 (scenario measured): not known, for want of AI revenue; required" in said
    assert "Sources" not in said


def test_a_quarter_or_scenario_that_is_not_there_is_a_mistake(connection):
    with pytest.raises(Mistake, match="2031Q1 is not at hand"):
        footnote(connection, "2031Q1")
    with pytest.raises(Mistake, match="has no scenario 'nope'"):
        footnote(connection, "2026Q2", "nope")


# --- how it is written ---------------------------------------------------------------------------------------------

HOSTILE = 'x](javascript:alert(1)) <script> {\\input{/etc/passwd}} $5 & 100% #_^~ ` | *b* "q"\x1b[31m\nnext'
NOTE = Footnote(
    key="aigap-2026q2-measured",
    number="gap of 5 $",
    known_from=date(2026, 8, 26),
    built_on=date(2026, 11, 1),
    product="ai-revenue-gap 0.1.0, generation 3",
    sources=[
        Source(HOSTILE, HOSTILE, ["2026-04-27 to 2026-07-26"], date(2026, 8, 26), None, "https://e.org/a b>)\n{}%20\\"),
        Source(None, HOSTILE, [], date(2026, 8, 26), "0001045810-26-000073", None),
    ],
    further="",
    filings=[],
    doubt=HOSTILE,
)


def test_plain_is_one_line_that_a_terminal_does_not_act_on():
    said = text(NOTE, "plain")
    assert said[:-1].isprintable()
    assert said.endswith("next\n")


def test_markdown_is_one_footnote_whose_only_links_are_the_sources():
    said = text(NOTE, "markdown")
    assert said.startswith("[^aigap-2026q2-measured]: ")
    assert said.count("\n") == 1
    (inline,) = [
        t for t in MarkdownIt("gfm-like", {"linkify": False}).parse(said.split(": ", 1)[1]) if t.type == "inline"
    ]
    assert [t.attrs["href"] for t in inline.children if t.type == "link_open"] == [
        "https://e.org/a%20b%3E)%0A%7B%7D%20%5C"
    ]
    assert {t.type for t in inline.children} <= {"text", "text_special", "link_open", "link_close"}
    shown = "".join(t.content for t in inline.children)
    assert '<script> {\\input{/etc/passwd}} $5 & 100% #_^~ ` | *b* "q"\\x1b[31m' in shown


def test_bibtex_has_balanced_braces_and_no_bare_special_characters():
    said = text(NOTE, "bibtex")
    assert said.count("@misc{") == 3
    keys = re.findall(r"@misc\{([^,]+),", said)
    assert len(set(keys)) == 3
    bare = re.sub(r"\\[{}$&#%_]|\\text\w+\{\}", "", said)
    depth = 0
    for c in bare:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0
    fields = "\n".join(line for line in bare.splitlines() if not line.startswith(("  url", "@")))
    assert not re.search(r"[\\$&#%^~]", fields)
    assert "  month = aug,\n" in said
    assert "  url = {https://e.org/a%20b%3E)%0A%7B%7D%20%5C},\n" in said


@given(st.text())
def test_markdown_text_shows_what_it_was_given(given_text):
    shown = MarkdownIt("gfm-like", {"linkify": False}).parseInline("x" + markdown_text(given_text))[0]
    assert all(t.type in ("text", "text_special") for t in shown.children)
    assert "".join(t.content for t in shown.children) == "x" + one_line(given_text)


def test_a_markdown_table_keeps_every_value_and_its_shape():
    rows = [[1, "a|b"], [None, "<img src=x onerror=alert(1)>"], [1424368000000, "[x](http://evil.example)"]]
    said = markdown(["gap_usd", "note"], rows)
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(said)
    cells = [t.children for t in tokens if t.type == "inline"]
    assert ["".join(c.content for c in cell) for cell in cells] == [
        "gap_usd", "note", "1", "a|b", "", rows[1][1], "1424368000000", rows[2][1],
    ]  # fmt: skip
    assert {c.type for cell in cells for c in cell} <= {"text", "text_special"}
    assert said.splitlines()[1] == "| ---: | --- |"


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_the_command_prints_each_style(home, capsys, style):
    assert cli.main(["cite", "2026q2", "--style", style, "--home", str(home.root)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith({"plain": "AI revenue gap", "markdown": "[^aigap-2026q2-", "bibtex": "@misc{aigap-"}[style])


def test_explain_as_markdown_is_the_rows_of_its_csv(home, capsys):
    assert cli.main(["explain", "2026Q2", "--format", "md", "--home", str(home.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    cli.main(["explain", "2026Q2", "--format", "csv", "--home", str(home.root)])
    header = capsys.readouterr().out.splitlines()[0].split(",")
    assert lines[0] == f"| {' | '.join(header)} |"
    assert len(lines) == 2 + 4


def test_show_as_markdown_carries_its_doubt(home, capsys):
    assert cli.main(["show", "--format", "md", "--home", str(home.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| quarter | run rate |")
    assert lines[2].startswith("| 2026Q2 | $356.1B |")
    assert any(line.startswith("Stands on: 4 x the quarter") for line in lines)


def test_citing_imports_nothing_slow(home):
    code = (
        "import sys\nfrom orchestration.commands.main import main\n"
        "assert main(['cite', '2026Q2', '--home', sys.argv[1]]) == 0\n"
        "slow = ('dagster', 'dbt', 'pandas', 'numpy', 'pyarrow', 'lxml', 'requests', 'ingest', 'xlsxwriter')\n"
        "print([m for m in slow if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home.root)], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
