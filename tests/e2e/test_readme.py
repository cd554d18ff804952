"""The README says what a reader sees."""

import re

from support.readme import README, blocks, filled


def test_every_output_in_the_readme_is_what_the_commands_print(refreshed):
    text = README.read_text("utf-8")
    expected = filled(text, blocks(refreshed.home))
    assert text == expected, "run: cd tests && ../.venv/bin/python -m support.readme <AIGAP_HOME>"


def test_files_that_the_readme_names_are_there():
    root = README.parent
    text = README.read_text("utf-8")
    named = set(re.findall(r"\]\((?!http)([^)#]+)\)", text)) | set(re.findall(r"`(tests/[\w/.]+\.py)`", text))
    assert named
    assert [name for name in sorted(named) if not (root / name).exists()] == []


def test_environment_example_and_readme_agree():
    text = README.read_text("utf-8")
    for line in (README.parent / ".env.example").read_text("utf-8").splitlines():
        if match := re.match(r"#?([A-Z_]+)=", line):
            assert f"`{match[1]}`" in text
