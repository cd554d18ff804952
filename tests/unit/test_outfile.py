"""Files that a user asks for: whole or not there, through no planted link, and never in place of aigap's own."""

import os
import shutil
from pathlib import Path

import pytest

from orchestration.commands import main as cli
from support.report_marts import write_marts
from support.small_warehouse import published_home
from warehouse.errors import Mistake
from warehouse.readers.outfile import new_file, refuse_owned
from warehouse.report import write_report
from warehouse.store.home import Home, record_refresh


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    home = published_home(tmp_path_factory.mktemp("outfile"))
    record_refresh(home, "published", "x", "2026-11-22T07:00:00Z")
    for folder in (home.archive, home.dagster, home.dbt, home.docs, home.report):
        folder.mkdir()
    for file in (home.lock, home.decisions, home.report / "index.html"):
        file.touch()
    return home


@pytest.fixture
def home(template, tmp_path):
    return Home(shutil.copytree(template.root, tmp_path / "a home", symlinks=True))


def tree(home):
    return {
        str(p.relative_to(home.root)): os.readlink(p) if p.is_symlink() else p.read_bytes()
        for p in sorted(home.root.rglob("*"))
        if p.is_symlink() or p.is_file()
    }


def all_of(home):
    """Every file and folder that lies in the home, and new names in its folders."""
    yield home.root
    for path in home.root.rglob("*"):
        yield path
        if path.is_dir():
            yield path / "new.csv"
    yield from (home.root / name for name in (".link-1", "ai_revenue_gap.duckdb.wal", "build.duckdb.wal"))


@pytest.mark.slow
def test_whatever_lies_in_a_home_is_refused_by_every_command_that_writes(home, capsys):
    before = tree(home)
    for path in all_of(home):
        with pytest.raises(Mistake):
            refuse_owned(path, home)
    commands = (
        ["report", "--out"],
        ["sql", "select 1", "--out"],
        ["sql", "select 1", "--format", "parquet", "--out"],
        ["show", "--out"],
        ["export", "--xlsx"],
        ["export"],
        ["bundle", "build", "--from", str(home.root), "--out"],
    )
    for command in commands:
        for path in (home.published, home.generation(1), home.build, home.archive / "x", home.decisions, home.lock):
            assert cli.main([*command, str(path), "--home", str(home.root)]) == 2, (command, path)
            assert "choose another name" in capsys.readouterr().err
    assert tree(home) == before


def test_nor_through_a_link_a_relative_path_or_dots(home, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(home.root)
    monkeypatch.chdir(home.generations)
    for path in (
        tmp_path / "link" / "last_refresh.json",
        home.generations / ".." / "decisions.jsonl",
        home.root.parent / "b" / ".." / home.root.name / "archive",
    ):
        with pytest.raises(Mistake, match="choose another name"):
            refuse_owned(path, home)
    with pytest.raises(Mistake, match="choose another name"):
        refuse_owned(Path("x.csv"), home)
    with pytest.raises(Mistake, match="choose another name"):
        refuse_owned(Path("../refresh.lock"), Home(tmp_path / "link"))


def test_a_name_of_ones_own_is_taken_even_in_the_home(home, tmp_path):
    for path in (home.root / "gap.csv", home.root / "mine" / "gap.csv", tmp_path / "gap.csv", tmp_path / "archive"):
        refuse_owned(path, home)
    assert cli.main(["sql", "select 1 as a", "--format", "csv", "--out", str(home.root / "gap.csv"), "--home",
                     str(home.root)]) == 0  # fmt: skip
    assert (home.root / "gap.csv").read_text() == "a\n1\n"


@pytest.mark.slow
def test_a_link_under_the_asked_name_is_replaced_not_followed(home, tmp_path):
    target = tmp_path / "target"
    target.write_text("kept")
    page = tmp_path / "out.html"
    page.symlink_to(target)
    write_report(write_marts(tmp_path / "published.duckdb"), page)
    assert not page.is_symlink()
    for command, name in ((["sql", "select 1 as a"], "out.csv"), (["show"], "out.parquet")):
        out = tmp_path / name
        out.symlink_to(target)
        assert cli.main([*command, "--out", str(out), "--home", str(home.root)]) == 0
        assert not out.is_symlink()
    assert target.read_text() == "kept"


def test_the_name_written_to_first_is_another_each_time(tmp_path):
    names = set()
    for _ in range(3):
        with new_file(tmp_path / "a.txt") as file:
            file.write_text("x")
            names.add(file)
    assert len(names) == 3
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_is_as_readable_as_the_user_wants_new_files_to_be(tmp_path):
    before = os.umask(0o027)
    try:
        with new_file(tmp_path / "a.txt") as file:
            file.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_a_failure_leaves_nothing(tmp_path):
    def half():
        with new_file(tmp_path / "a.txt") as file:
            file.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert os.listdir(tmp_path) == []
