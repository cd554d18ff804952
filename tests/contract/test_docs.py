"""Documents name only what is there: files, links, headings, make targets, commands, marts, checks."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from orchestration.commands.main import main
from warehouse.store.home import Home

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT)
    for top in ROOT.iterdir()
    if not top.name.startswith(".") and top.name != "data"
    for path in ([top] if top.is_file() else top.rglob("*"))
)
NAMES = Counter(path.name for path in FILES)
#: Every document but the one that is about the past.
DOCUMENTS = [path for path in FILES if path.suffix == ".md" and path.name != "CHANGELOG.md"]
#: What lies in a home is there once somebody refreshed.
AT_HOME = {getattr(Home(Path("/home")), name).name for name, value in vars(Home).items() if isinstance(value, property)}
#: Stands for a name that the reader chooses.
CHOSEN = re.compile(r"[*<>{}$]|\.\.\.|NAME|DIR|FILE")
NAMED = re.compile(r"^ *-? *name: (\w+)$", re.MULTILINE)
SOURCES = {".py", ".sql", ".yml", ".yaml", ".md", ".toml", ".csv", ".txt", ".lock", ".css", ".js", ".html", ".service"}


@cache
def text(document: Path) -> str:
    return (ROOT / document).read_text("utf-8")


def blocks(document: Path) -> list[str]:
    return re.findall(r"^ *```\w*\n(.*?)^ *```$", text(document), re.MULTILINE | re.DOTALL)


def prose(document: Path) -> str:
    return re.sub(r"^ *```\w*\n.*?^ *```$", "", text(document), flags=re.MULTILINE | re.DOTALL)


def spans(document: Path) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(document))]


def code(document: Path) -> Iterator[str]:
    """What a reader may type, a line each."""
    yield from spans(document)
    for block in blocks(document):
        yield from block.splitlines()


def paths(document: Path) -> Iterator[str]:
    """What a document gives as a file or folder of the project."""
    tops = {path.name for path in ROOT.iterdir()}
    for span in spans(document):
        name = span.partition("::")[0]
        if " " in name or CHOSEN.search(name) or "://" in name:
            continue
        if Path(name).suffix in SOURCES or ("/" in name and name.split("/")[0] in tops):
            yield name


def is_there(document: Path, name: str) -> bool:
    """Below the document's own folder or one above it, below tests, in a home, or the one file of that name."""
    if any((ROOT / base / name).exists() for base in (*document.parents, ".", "tests")):
        return True
    return name.removeprefix("data/").split("/")[0] in AT_HOME or NAMES[name] == 1


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(document: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Words and options of every `aigap ...` a reader may type."""
    for line in code(document):
        for words, rest in re.findall(r"(?:^|[\s/$(])aigap((?: [a-z][a-z-]+)+)([^`]*)", line.partition(" # ")[0]):
            yield words.split(), re.findall(r"(?<!\S)--[a-z-]+", rest.partition("|")[0])


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_file_that_is_named_is_there(document):
    assert [name for name in paths(document) if not is_there(document, name)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_leads_somewhere(document):
    broken = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(document)):
        if target.startswith("#!"):  # dbt's own page
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name) if name else document
        is_whole = (ROOT / file).exists() and (not anchor or anchor in anchors(Path(file)))
        broken += [] if is_whole else [target]
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_make_target_is_one(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {t for line in code(document) for t in re.findall(r"(?:^|&& )make(?: -C \S+| [A-Z]+=\S+)* ([a-z-]+)", line)}
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_command_is_one(document, capsys):
    for words, options in commands(document):
        code = main([*words, "--help"])
        said = capsys.readouterr()
        assert code == 0, (words, said.err)
        assert [option for option in options if option not in said.out] == [], words


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_mart_and_check_is_one(document):
    marts = {path.stem for path in (ROOT / "dbt_project" / "models" / "marts").glob("*.sql")}
    checks = {path.stem for path in (ROOT / "dbt_project" / "tests").glob("*.sql")}
    for path in (ROOT / "dbt_project").rglob("*.yml"):
        checks |= set(NAMED.findall(path.read_text("utf-8")))
    for line in code(document):
        assert set(re.findall(r"\bmarts\.([a-z]\w+)(?!\w|\()", line)) <= marts, line
    for span in spans(document):
        assert not span.startswith("assert_") or span in checks, span


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        (test_every_file_that_is_named_is_there, "`ingest/no_such.py`"),
        (test_every_file_that_is_named_is_there, "`no_such.sql`"),
        (test_every_link_leads_somewhere, "[here](no_such.md)"),
        (test_every_link_leads_somewhere, f"[here]({ROOT}/docs/method.md#no-such-heading)"),
        (test_every_make_target_is_one, "`make no-such`"),
        (test_every_make_target_is_one, "```sh\nmake -C /opt/x no-such\n```"),
        (test_every_command_is_one, "`aigap no-such`"),
        (test_every_command_is_one, "```sh\nAIGAP_HOME=/tmp/x aigap show --no-such\n```"),
        (test_every_mart_and_check_is_one, "`from marts.no_such`"),
        (test_every_mart_and_check_is_one, "`assert_no_such`"),
    ],
)
def test_a_rule_bites(rule, wrong, tmp_path, capsys):
    document = tmp_path / "document.md"
    document.write_text(
        f"# Title\n\n`README.md`, `make test`, `aigap show --all`, `marts.coverage`\n\n{wrong}\n", "utf-8"
    )
    more = {"capsys": capsys} if rule is test_every_command_is_one else {}
    with pytest.raises(AssertionError):
        rule(document, **more)
    document.write_text(document.read_text("utf-8").replace(wrong, ""), "utf-8")
    text.cache_clear()
    rule(document, **more)


DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


@pytest.mark.parametrize("page", [page for page in DECISIONS if page.name != "README.md"], ids=lambda page: page.stem)
def test_a_decision_says_what_why_and_what_would_end_it_and_is_listed(page):
    parts = re.findall(r"^\*\*(.+?)\.\*\*", page.read_text("utf-8"), re.MULTILINE)
    assert parts[:2] == ["What", "Why"]
    assert parts[-1] == "What would end it"
    assert f"[{page.name}]({page.name})" in (page.parent / "README.md").read_text("utf-8")


# --- the Makefile -----------------------------------------------------------------------------------------


def test_every_target_that_is_not_a_part_of_another_is_explained():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    explained = set(re.findall(r"^([a-z-]+):[^#\n]*## \S", makefile, re.MULTILINE))
    assert {t for t in phony if not t.startswith("$")} - explained == {"test-quick"}


def test_what_is_ignored_is_what_clean_removes_or_the_users_own():
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    clean = (ROOT / "Makefile").read_text("utf-8").partition("\nclean:")[2]
    kept = {"data/", "*.duckdb", "*.duckdb.wal", ".env"}
    assert [name for name in ignored if name not in kept and name.rstrip("/") not in clean] == []


def test_hooks_run_make_and_download_nothing():
    import yaml

    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].split()[0] == "make"
        assert set(hook["entry"].split()[1:]) - {"-s"} <= targets
