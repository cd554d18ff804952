"""docs/ai-revenue-series.md says what is published."""

from support.readme import filled
from support.series import PAGE, before, block


def test_the_table_of_the_series_is_what_is_published(refreshed):
    page = PAGE.read_text("utf-8")
    expected = filled(page, {"series": block(refreshed.home)})
    assert page == expected, "run: cd tests && ../.venv/bin/python -m support.series <AIGAP_HOME>"


def test_every_company_that_moved_a_quarter_has_its_reason(refreshed):
    page = PAGE.read_text("utf-8")
    table, reasons = page.split("## Why each differs")
    named = {part.rpartition(" ")[0] for line in table.splitlines() if line.startswith("| 20")
             for part in line.split("|")[5].strip().split(", ")} - {"others"}  # fmt: skip
    assert len(named) >= 8
    assert sorted(name for name in named if name not in reasons) == []


def test_what_was_before_does_not_change():
    """To the dollar, as CHANGELOG has it in billions."""
    assert {quarter: sum(companies.values()) for quarter, companies in before().items()} == {
        "2024Q3": 5_272_482_000,
        "2024Q4": 8_395_482_000,
        "2025Q1": 16_862_800_000,
        "2025Q2": 22_708_876_000,
        "2025Q3": 30_004_652_000,
        "2025Q4": 35_512_672_320,
        "2026Q1": 50_012_672_320,
        "2026Q2": 110_796_300_000,
    }
