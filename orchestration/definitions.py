"""The code location that `dagster -m orchestration.definitions` loads: AIGAP_HOME's.

Belongs here: the one name Dagster looks for. Does not belong here: anything else. (No function decorated
with `@dg.definitions` either: a module that has one ignores its other module-level definitions.)
"""

from orchestration.build import build_definitions

defs = build_definitions()
