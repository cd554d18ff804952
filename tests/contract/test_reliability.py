"""The table of fault cases is what the tests are."""

import ast

from support.reliability import CASES, DBT, DBT_RAN, HELD_BY, TABLE, TESTS, table, without_results

DBT_PROJECT = TESTS.parent / "dbt_project"


def test_every_test_that_a_case_names_exists():
    for names in [*HELD_BY.values(), [DBT_RAN]]:
        for name in names:
            file, _, test = name.partition("::")
            tree = ast.parse((TESTS / file).read_text("utf-8"))
            assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, name


def test_every_dbt_check_that_a_case_names_exists():
    checks = {path.stem for path in (DBT_PROJECT / "tests").glob("*.sql")}
    named = "".join(path.read_text("utf-8") for path in DBT_PROJECT.rglob("*.yml"))
    for names in DBT.values():
        for name in names:
            assert name in checks or f"name: {name}\n" in named, name


def test_the_table_in_docs_is_what_the_tests_are():
    assert list(CASES) == [f"T{number:02}" for number in range(1, 88)]
    written = TABLE.read_text("utf-8")
    again = "run: cd tests && ../.venv/bin/python -m support.reliability"
    assert without_results(written) == without_results(table()), again
    assert "| failed |" not in written
