"""Completion, asked as the shells ask: bash always, zsh and fish where they are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.commands import main as cli

BIN = Path(sys.executable).parent
SHELLS = ("bash", "zsh", "fish")
COMMANDS = list(cli.aigap.list_commands(None))
ASK_BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
compopt() { echo "files" >&2; }
_aigap_completion aigap
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    for shell in SHELLS:
        done = subprocess.run([BIN / "aigap", "completion", shell], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        (folder / shell).write_text(done.stdout, "utf-8")
    return folder


def ask(command):
    env = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env)


@pytest.fixture
def bash(scripts):
    """What bash would offer for the last of the words; `files` where it offers those itself."""

    def offered(*words):
        done = ask(["bash", "--norc", "-c", ASK_BASH, "bash", scripts / "bash", "aigap", *words])
        return (done.stderr + done.stdout).split()

    return offered


@pytest.mark.slow
def test_bash_offers_every_command(bash):
    assert bash("") == COMMANDS
    assert {"--help", "--version"} <= set(bash("--"))
    assert bash("comp") == ["completion"]
    assert bash("bundle", "") == ["build", "verify"]
    assert bash("review", "") == ["accept", "reject", "withdraw"]
    assert {"--why", "--by", "--force", "--home"} <= set(bash("review", "--all", "reject", "--"))


@pytest.mark.slow
def test_bash_offers_the_options_of_the_command_at_hand(bash):
    assert bash("show", "--as") == ["--as-of"]
    assert bash("show", "--last", "3", "--sc") == ["--scenario"]
    assert {"--from", "--out", "--home"} <= set(bash("bundle", "build", "--"))
    assert "--bundle" in bash("bundle", "verify", "--b")
    assert "--last" not in bash("explain", "--")
    # A value that reads like a command is none.
    assert bash("show", "--scenario", "cite", "--as") == ["--as-of"]


@pytest.mark.slow
def test_bash_offers_the_values_of_an_option_and_files_where_a_file_may_stand(bash):
    assert bash("show", "--format", "") == ["table", "md", "csv", "json", "parquet"]
    assert bash("show", "--format", "=") == ["table", "md", "csv", "json", "parquet"]
    assert bash("explain", "2026Q2", "--format", "") == ["table", "md", "csv", "json"]
    assert bash("cite", "2026Q2", "--style", "b") == ["bibtex"]
    assert bash("completion", "z") == ["zsh"]
    assert bash("show", "--last", "") == []
    for words in (["export", "--xlsx", ""], ["show", "--out", ""], ["show", "--home", ""], ["diff", ""]):
        assert bash(*words) == ["files"], words


def test_the_command_knows_the_shells(capsys):
    assert cli.main(["completion", "csh"]) == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_finds_no_error_in_its_script(scripts, shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    done = subprocess.run([shell, "-n", scripts / shell], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_are_answered_with_what_each_offer_is(shell):
    asked = {"COMP_WORDS": "aigap show --as", "COMP_CWORD": "--as" if shell == "fish" else "2"}
    env = os.environ | asked | {"_AIGAP_COMPLETE": f"{shell}_complete"}
    done = subprocess.run([BIN / "aigap"], capture_output=True, text=True, check=True, env=env)
    assert "--as-of" in done.stdout
    assert "as known at the end of a past day" in done.stdout
