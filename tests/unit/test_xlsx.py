import re
import sys
import zipfile
from datetime import datetime
from decimal import Decimal

import openpyxl
import pytest

from orchestration.commands import main as cli
from support.small_warehouse import change_build, publish_small, small_home
from support.workbook import sheet_rows, stored_texts
from warehouse.errors import Mistake, WarehouseError
from warehouse.formats import harmless
from warehouse.readers.outfile import new_file
from warehouse.readers.read import open_published, query
from warehouse.readers.xlsx import _sheet_names, write_xlsx

FORMULAS = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://evil.example","x")', "{=1}"]
ODD = [
    "_x0041_",
    "a\x1b[31m\x00b",
    "\ufffe\uffff",
    "<&>\"'",
    "日本 🎉",
    " edge ",
    "https://example.org/text",
    "1e5",
    "007",
]
AMOUNTS = [
    0,
    -1,
    10**15 - 1,
    10**15,
    -(10**18),
    2**53 + 1,
    Decimal("0.070206"),
    Decimal("-1.5"),
    Decimal("89023000000"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = small_home(tmp_path_factory.mktemp("xlsx"))
    odd = ", ".join(f"({place}, '{text_of(text)}')" for place, text in enumerate(FORMULAS + ODD))
    amounts = ", ".join(f"({place}, {value}::decimal(38, 10))" for place, value in enumerate(AMOUNTS))
    change_build(
        home,
        f"""
        create table marts.odd_texts (place integer, note varchar);
        insert into marts.odd_texts select place, decode(from_hex(note)) from (values {odd}) as t (place, note);
        insert into marts.odd_texts values (900, repeat('x', 40000)), (901, ''), (902, null);
        create table marts.odd_amounts (place integer, amount decimal(38, 10));
        insert into marts.odd_amounts from (values {amounts});
        create table marts.odd_days (place integer, on_day date, at_moment timestamptz, is_so boolean);
        insert into marts.odd_days values
            (1, '2024-02-29', '2026-08-26 23:30:00-04', true), (2, '1900-01-01', null, false),
            (3, '1899-12-31', null, null), (4, '9999-12-31', null, null);
        create table marts.odd_links (place integer, source_url varchar);
        insert into marts.odd_links values (1, 'https://example.org/a?b=c&d=%20#part'), (2, 'javascript:alert(1)'),
            (3, 'file:///etc/passwd'), (4, 'https://example.org/a b'), (5, null), (6, 'internal:notes!A1'),
            (7, 'https://example.org/' || repeat('x', 3000)), (8, '=https://example.org/'),
            (9, 'https://example.org/' || chr(8238) || 'gpj.exe'), (10, 'https://example.org/' || chr(155) || '2J');
        comment on table marts.odd_links is '=cmd|calc';
        create table marts.a_table_whose_name_is_longer_than_a_sheet_may_be (place integer);
        create table marts.a_table_whose_name_is_longer_than_another (place integer);
        """,
    )
    publish_small(home)
    return home


def text_of(text):
    return text.encode().hex()


@pytest.fixture(scope="module")
def path(home, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "gap with space.xlsx"
    assert cli.main(["export", "--xlsx", str(path), "--home", str(home.root)]) == 0
    return path


@pytest.fixture(scope="module")
def book(path):
    return openpyxl.load_workbook(path)


def test_every_table_is_a_sheet_after_the_notes(book, home):
    assert book.sheetnames[:2] == ["notes", "ai_revenue_gap"]
    assert book.sheetnames[-1] == "columns"
    with open_published(home) as connection:
        tables = query(connection, "select count(*) from duckdb_tables() where schema_name = 'marts'").rows[0][0]
    assert len(book.sheetnames) == tables + 2


def test_money_is_exact_and_shown_in_full(book):
    columns, rows = sheet_rows(book, "ai_revenue_gap")
    row = dict(zip(columns, next(r for r in rows if r[:2] == ["2026Q2", "measured"]), strict=True))
    assert row["gap_usd"] == 1324368000000
    assert isinstance(row["gap_usd"], int)
    assert row["coverage_share"] == 0.070206
    assert row["is_like_for_like"] is True
    assert row["known_from"] == datetime(2026, 8, 26)
    assert row["fact_ids"] == "c1 s1 x2"
    sheet = book["ai_revenue_gap"]
    formats = {name: sheet.cell(3, place).number_format for place, name in enumerate(columns, 1)}
    assert formats["gap_usd"] == "#,##0"
    assert formats["coverage_share"] == formats["gpu_share_of_tco"] == "0.0%"
    assert formats["known_from"] == "yyyy-mm-dd"


def test_an_amount_beyond_a_spreadsheets_digits_is_text_and_none_changes(book):
    _, rows = sheet_rows(book, "odd_amounts")
    assert [Decimal(str(value)) for _, value in rows] == AMOUNTS
    assert [isinstance(value, str) for _, value in rows] == [
        False,
        False,
        False,
        False,
        False,
        True,
        False,
        False,
        False,
    ]


def test_days_and_moments_are_days_and_moments(book):
    _, rows = sheet_rows(book, "odd_days")
    assert rows == [
        [1, datetime(2024, 2, 29), datetime(2026, 8, 27, 3, 30), True],
        [2, datetime(1900, 1, 1), None, False],
        # A spreadsheet has no day before 1900.
        [3, "1899-12-31", None, None],
        [4, datetime(9999, 12, 31), None, None],
    ]


def test_text_is_what_it_was_or_shows_what_would_act_and_nothing_is_a_formula(book, path):
    _, rows = sheet_rows(book, "odd_texts")
    assert {harmless(text) for text in FORMULAS + ODD} <= set(stored_texts(path))
    assert all(text.replace("\n", "").isprintable() for text in stored_texts(path))
    plain = [(place, text) for place, text in enumerate(FORMULAS + ODD) if text.isprintable()]
    assert [rows[place][1] for place, _ in plain] == [text for _, text in plain]
    assert rows[-3][1].endswith("... (cut: 40,000 characters)")
    assert len(rows[-3][1]) == 32_767
    for place in range(len(FORMULAS) - 1):
        cell = book["odd_texts"].cell(2 + place, 2)
        assert cell.data_type == "s"
        # Excel's own mark: editing the cell does not make a formula of it.
        assert cell.quotePrefix == harmless(FORMULAS[place]).startswith(tuple("=+-@\n"))
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            body = archive.read(name)
            if name.startswith("xl/worksheets/sheet"):
                assert not re.search(rb"<f[ >]", body)
            assert b"externalLink" not in body
            assert b"macro" not in body


def test_only_web_addresses_are_links(book):
    links = {row[0].value: row[1].hyperlink for row in book["odd_links"].iter_rows(min_row=2)}
    assert {place for place, link in links.items() if link} == {1}
    assert f"{links[1].target}#{links[1].location}" == "https://example.org/a?b=c&d=%20#part"
    assert book["odd_links"]["B9"].value == "=https://example.org/"


def test_each_row_links_to_the_newest_statement_behind_it(book):
    columns, _ = sheet_rows(book, "ai_revenue_gap")
    sheet = book["ai_revenue_gap"]
    cell = next(r for r in sheet.iter_rows(min_row=2) if r[1].value == "cahn_method")[columns.index("newest_source")]
    assert (cell.value, cell.hyperlink.target) == ("10-Q", "https://www.sec.gov/x2")
    assert "newest_source_url" not in columns
    assert "newest_source" not in sheet_rows(book, "citations")[0]


def test_the_notes_carry_the_number_its_doubt_the_publish_and_links_to_the_sheets(book, home):
    notes = [[cell.value for cell in row] for row in book["notes"].iter_rows()]
    says = "\n".join(str(right) for _, right in notes)
    assert "The gap: $1,324.4B." in says
    assert "Stands on: 4 x the quarter NVIDIA reported" in says
    assert "not every year" in says
    assert "nothing in this workbook is a formula" in says
    assert dict(notes)["generation"] == "1"
    cell = next(row[0] for row in book["notes"].iter_rows() if row[0].value == "citations")
    assert cell.hyperlink.location == "'citations'!A1"
    assert dict(notes)["odd_links"] == "marts.odd_links: =cmd|calc"


def test_the_columns_sheet_says_what_each_column_means(book):
    header, rows = sheet_rows(book, "columns")
    assert header == ["table_name", "column_name", "data_type", "meaning"]
    assert ["ai_revenue_gap", "gap_usd", "BIGINT", "required_revenue_usd - ai_revenue_usd, whole USD."] in rows


def test_sheet_names_fit_and_differ(book):
    assert max(map(len, book.sheetnames)) <= 31
    names = _sheet_names(["notes", "columns", "x" * 40, "x" * 41, "nvidia_data_center_revenue_versions"])
    assert names["notes"] == "notes_2"
    assert names["columns"] == "columns_2"
    assert names["nvidia_data_center_revenue_versions"] == "nvidia_data_center_revenue_v"
    assert len(set(names.values())) == 5


def test_the_same_file_gives_the_same_bytes(home, path, tmp_path):
    with open_published(home) as connection:
        write_xlsx(connection, tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == path.read_bytes()


# --- when it cannot be -----------------------------------------------------------------------------------------------


def test_without_the_library_the_error_says_what_to_do(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    assert cli.main(["export", "--xlsx", str(tmp_path / "a.xlsx"), "--home", str(home.root)]) == 1
    assert "needs XlsxWriter, which is not here: run make gap" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.xls", "must end in .xlsx"), ("none/a.xlsx", "there is no folder"), ("folder.xlsx", "is a folder")],
)
def test_a_name_that_cannot_be_is_usage(home, tmp_path, capsys, name, message):
    (tmp_path / "folder.xlsx").mkdir()
    assert cli.main(["export", "--xlsx", str(tmp_path / name), "--home", str(home.root)]) == 2
    assert message in capsys.readouterr().err


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def stop_halfway():
        with new_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stop_halfway()
    assert path.read_text() == "before"
    with new_file(path) as temporary:
        temporary.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(WarehouseError, match="was not written"), new_file(path):
        raise OSError(28, "No space left on device")
    with pytest.raises(Mistake), new_file(tmp_path / "none" / "a.txt"):
        pass
