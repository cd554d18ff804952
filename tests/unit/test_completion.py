"""The completion scripts, asked what they would offer: bash always, zsh and fish where they are installed."""

import shutil
import subprocess

import pytest

from orchestration import cli
from orchestration.completion import SHELLS, script

COMMANDS = [
    "refresh",
    "review",
    "show",
    "explain",
    "cite",
    "sql",
    "export",
    "report",
    "docs",
    "completion",
    "doctor",
    "bundle",
]

ASK_BASH = """
source "$1"; shift
complete -p aigap >&2
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
_aigap 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    for shell in SHELLS:
        (folder / shell).write_text(script(cli._parser(), shell), "utf-8")
    return folder


@pytest.fixture
def bash(scripts):
    """What bash would offer for the last of the words."""

    def ask(*words, **options):
        done = subprocess.run(
            ["bash", "--norc", "-c", ASK_BASH, "bash", scripts / "bash", "aigap", *words],
            capture_output=True,
            text=True,
            check=True,
            **options,
        )
        assert done.stderr == "complete -F _aigap aigap\n"
        return done.stdout.splitlines() if done.stdout != "\n" else []

    return ask


def test_bash_offers_every_command(bash):
    assert set(COMMANDS) <= set(bash(""))
    assert {"--help", "--version"} <= set(bash(""))
    assert bash("comp") == ["completion"]
    assert bash("bundle", "") == ["build", "verify", "-h", "--help"]
    assert {"accept", "reject", "withdraw", "--all"} <= set(bash("review", ""))
    assert {"--why", "--by", "--force", "--home"} <= set(bash("review", "--all", "reject", "--"))


def test_bash_offers_the_options_of_the_command_at_hand(bash):
    assert bash("show", "--as") == ["--as-of"]
    assert bash("show", "--last", "3", "--sc") == ["--scenario"]
    assert {"--from", "--out", "--home"} <= set(bash("bundle", "build", "--"))
    assert "--bundle" in bash("bundle", "verify", "--b")
    assert "--last" not in bash("explain", "--")
    # A value that reads like a command is none.
    assert bash("show", "--scenario", "cite", "--as") == ["--as-of"]


def test_bash_offers_the_values_of_an_option(bash):
    assert bash("show", "--format", "") == ["table", "md", "csv", "json", "parquet"]
    assert bash("explain", "2026Q2", "--format", "") == ["table", "md", "csv", "json"]
    assert bash("cite", "2026Q2", "--style", "b") == ["bibtex"]
    assert bash("completion", "z") == ["zsh"]
    assert bash("show", "--last", "") == []


def test_bash_takes_an_equals_sign_for_a_word(bash):
    assert bash("show", "--format", "=", "c") == ["csv"]
    assert bash("show", "--format", "=") == ["table", "md", "csv", "json", "parquet"]


def test_bash_offers_files_where_a_file_may_stand(bash, tmp_path):
    (tmp_path / "my gap.xlsx").touch()
    (tmp_path / "folder").mkdir()
    assert bash("export", "--xlsx", "my", cwd=tmp_path) == ["my gap.xlsx"]
    assert sorted(bash("show", "--out", "", cwd=tmp_path)) == ["folder", "my gap.xlsx"]
    assert bash("show", "--home", "f", cwd=tmp_path) == ["folder"]
    assert bash("diff", "fol", cwd=tmp_path) == ["folder"]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_is_in_every_script(scripts, shell):
    said = (scripts / shell).read_text("utf-8")
    for word in (*COMMANDS, "as-of", "max-rows", "timeout", "parquet", "bibtex"):
        assert word in said


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(scripts, capsys, shell):
    assert cli.main(["completion", shell]) == 0
    assert capsys.readouterr().out == (scripts / shell).read_text("utf-8")


def test_the_command_knows_the_shells():
    with pytest.raises(SystemExit) as stopped:
        cli.main(["completion", "csh"])
    assert stopped.value.code == 2
    (action,) = [a for a in cli._parser()._actions if a.dest == "command" or (hasattr(a, "choices") and a.choices)]
    (shell,) = [a for a in action.choices["completion"]._actions if a.dest == "shell"]
    assert set(shell.choices) == set(SHELLS)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_finds_no_error_in_its_script(scripts, shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    done = subprocess.run([shell, "-n", scripts / shell], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_fish_offers_commands_options_and_values(scripts):
    if not shutil.which("fish"):
        pytest.skip("no fish here")

    def ask(line):
        command = f"source {scripts / 'fish'}; complete -C '{line}'"
        done = subprocess.run(["fish", "--no-config", "-c", command], capture_output=True, text=True, check=True)
        return [offer.split("\t")[0] for offer in done.stdout.splitlines()]

    assert set(COMMANDS) <= set(ask("aigap "))
    assert ask("aigap show --as") == ["--as-of"]
    assert sorted(ask("aigap show --format ")) == ["csv", "json", "md", "parquet", "table"]
    assert ask("aigap bundle b") == ["build"]
    assert ask("aigap show --last ") == []
