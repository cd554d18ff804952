"""What the environment says of the database engine.

Belongs here: one name, one default, for whoever starts an engine: this process, or dbt's. Does not belong here: the
home (home.py), what only one module asks for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

MEMORY_VARIABLE = "AIGAP_MEMORY_LIMIT"
DEFAULT_MEMORY = "1GB"


def memory_limit(environ: Mapping[str, str] = os.environ) -> str:
    """How much memory the engine may use, as DuckDB writes a size; an empty variable is none."""
    return environ.get(MEMORY_VARIABLE) or DEFAULT_MEMORY
