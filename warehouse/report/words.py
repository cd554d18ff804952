"""Numbers and sentences as a reader sees them.

Belongs here: digits and wording of money, shares and the headline. Does not belong here: SQL, HTML (a sentence is
plain text until the page escapes it).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

#: Scenario -> how a reader is told of it. A scenario without words here goes by its own name.
SCENARIOS = {
    "measured": "Measured (headline)",
    "low": "Measured, low requirement",
    "high": "Measured, high requirement",
    "trailing": "Trailing twelve months",
    "cahn_method": "Cahn's method and list",
    "cahn_2023": "Cahn, September 2023",
    "cahn_2024": "Cahn, June 2024",
    "cahn_2026": "Cahn, July 2026",
    "all_accelerators": "All accelerators that are stated",
}


def money(usd: int | None) -> str:
    """`1424368000000` -> `$1.42T`: three digits, from the unit below which a reader would want the next one.

    The page's script says the same; a browser test holds them together.
    """
    if usd is None:
        return "unknown"
    size = abs(usd)
    for unit, name in ((10**12, "T"), (10**9, "B"), (10**6, "M")):
        # 999.5 billion is written $1.00T, not $1000B.
        if size * 2000 >= unit * 1999:
            amount = Decimal(size) / unit
            digits = 2 if amount < Decimal("9.995") else 1 if amount < Decimal("99.95") else 0
            return f"{'−' if usd < 0 else ''}${amount:.{digits}f}{name}"
    return f"{'−' if usd < 0 else ''}${size:,}"


def percent(share: Decimal | None) -> str:
    """`Decimal('0.077786')` -> `7.8%`; two digits below one percent."""
    if share is None:
        return "unknown"
    return f"{share * 100:.{0 if share >= 1 else 1 if share >= Decimal('0.01') else 2}f}%"


def headline(gap: Mapping[str, Any]) -> str:
    """The finding of one row of marts.ai_revenue_gap, in one sentence or two."""
    quarter, required = gap["calendar_quarter"], money(gap["required_revenue_usd"])
    if gap["run_rate_basis"] == "forecast_run_rate":
        sales = f"the NVIDIA sales then forecast for {quarter} would imply"
    elif gap["run_rate_basis"] == "trailing_12m":
        sales = f"NVIDIA’s sales of the twelve months to {quarter} imply"
    elif gap["run_rate_basis"] == "spending_estimate":
        sales = f"the spending forecast for {quarter[:4]} would build"
    elif gap["run_rate_basis"] == "all_accelerators":
        sales = f"all accelerators sold in {quarter} imply"
    else:
        sales = f"NVIDIA’s {quarter} sales imply"
    need = f"To pay back the data centers that {sales}, AI would have to earn {required}."
    if gap["ai_revenue_usd"] is None:
        return f"{need} What it did earn is not known for that quarter."
    earned = money(gap["ai_revenue_usd"])
    found = {
        "assumed": f"It was assumed to earn {earned}",
        "measured_trailing_12m": f"Over those twelve months we can find {earned}",
    }.get(gap["ai_revenue_basis"], f"What we can find runs at {earned} a year")
    missing = gap["gap_usd"]
    rest = f"{money(missing)} is missing" if missing > 0 else f"{money(-missing)} more than it takes"
    return f"{need} {found}, {percent(gap['coverage_share'])} of that: {rest}."


def doubt(
    gap: Mapping[str, Any],
    low_usd: int | None,
    high_usd: int | None,
    stale_share: Decimal | None,
    benchmarks: tuple[int, int] | None,
) -> str:
    """What keeps the headline from being certain.

    :param low_usd: the smallest gap under sourced assumptions, :param high_usd: the largest; None where unknown.
    :param stale_share: 0..1, how much of the measured revenue was observed over 90 days before the quarter's end.
    :param benchmarks: smallest and largest independent total for this quarter on this basis, USD.
    """
    parts = []
    if low_usd is not None and high_usd is not None:
        parts.append(
            f"With other sourced values for the GPU share and the margin the gap lies between "
            f"{money(low_usd)} and {money(high_usd)}."
        )
    if gap["ai_revenue_basis"] == "assumed":
        parts.append("The AI revenue here is an assumption, not a measurement.")
    if gap["companies_counted"]:
        number = gap["companies_counted"]
        counted = f"The measured revenue counts {number} {'company' if number == 1 else 'companies'}"
        if stale_share:
            counted += f"; {percent(stale_share)} of it was observed more than 90 days before the quarter ended"
        parts.append(counted + ".")
    if benchmarks:
        low, high = map(money, benchmarks)
        span = f"put it at {low}" if low == high else f"range from {low} to {high}"
        parts.append(f"Independent totals for the same quarter {span}.")
    if not gap["is_like_for_like"]:
        parts.append("The two sides do not stand on the same time basis.")
    return " ".join(parts)
