"""Numbers as the page's charts and tables show them, and what it calls the scenarios.

Belongs here: digits of money and shares. Does not belong here: sentences (warehouse/readers/words.py has those of every
reader), SQL, HTML.
"""

from __future__ import annotations

from decimal import Decimal

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
