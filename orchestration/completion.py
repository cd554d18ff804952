"""Completion of the command line in bash, zsh and fish, read off the argument parser.

Belongs here: what can follow what, and how each shell wants to be told. Does not belong here: the commands themselves
(cli.py): a new one completes without a line here.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Slot(NamedTuple):
    """An option (it has flags) or an argument.

    :ivar values: what it can be, empty for anything; None for an option that takes no value.
    :ivar is_path: any file will do.
    """

    flags: list[str]
    help: str
    values: list[str] | None
    is_path: bool


class Command(NamedTuple):
    """What may stand after `words`, such as `aigap bundle build`.

    :ivar commands: name -> what it does.
    """

    words: str
    options: list[Slot]
    arguments: list[Slot]
    commands: dict[str, str]


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """What makes a shell complete the parser's program.

    :param shell: one of SHELLS.
    """
    return SHELLS[shell](parser.prog, list(_commands(parser, parser.prog)))


def _commands(parser: argparse.ArgumentParser, words: str) -> Iterator[Command]:
    """The parser and every parser below it, as data."""
    options: list[Slot] = []
    arguments: list[Slot] = []
    below: dict[str, argparse.ArgumentParser] = {}
    summaries: dict[str, str] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below = dict(action.choices)
            summaries = dict.fromkeys(below, "") | {c.dest: _line(c.help) for c in action._choices_actions}
            continue
        values = None if action.nargs == 0 else [str(choice) for choice in action.choices or ()]
        slot = Slot(list(action.option_strings), _line(action.help), values, action.type is Path)
        (options if slot.flags else arguments).append(slot)
    yield Command(words, options, arguments, summaries)
    for name, inner in below.items():
        yield from _commands(inner, f"{words} {name}")


def _line(text: str | None) -> str:
    return re.sub(r"\s+", " ", (text or "").replace("%%", "%"))


def _words(command: Command) -> dict[str, str]:
    """Commands and values that may come next, with what they do."""
    return command.commands | {value: slot.help for slot in command.arguments for value in slot.values or ()}


def _flags(command: Command) -> dict[str, str]:
    return {flag: slot.help for slot in command.options for flag in slot.flags}


def _takes_path(command: Command) -> bool:
    return any(slot.is_path for slot in command.arguments)


def _after(known: list[Command]) -> Iterator[tuple[str, Slot]]:
    """`aigap show --format` and so on: each flag that a value follows."""
    for command in known:
        for slot in command.options:
            if slot.values is not None:
                yield from ((f"{command.words} {flag}", slot) for flag in slot.flags)


def _quoted(text: str) -> str:
    """One word of bash or zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


# --- bash ---------------------------------------------------------------------------------------


def _bash(program: str, known: list[Command]) -> str:
    here = " | ".join(_quoted(command.words) for command in known[1:])
    values, words = [], []
    for at, slot in _after(known):
        does = f"_{program}_paths" if slot.is_path else f"_{program}_words {_quoted(' '.join(slot.values or ()))}"
        values.append(f"        {_quoted(at)}) {does}; return ;;")
    for command in known:
        files = f"; _{program}_paths" if _takes_path(command) else ""
        listed = _quoted(" ".join(_words(command) | _flags(command)))
        words.append(f"        {_quoted(command.words)}) _{program}_words {listed}{files} ;;")
    return f"""\
# bash completion of {program}. In ~/.bashrc: source <({program} completion bash)
_{program}_words() {{
    local IFS=$' \\n'
    COMPREPLY+=($(compgen -W "$1" -- "$word"))
}}
_{program}_paths() {{
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY+=($(compgen -f -- "$word"))
}}
_{program}() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD - 1]}}" at={program} i
    COMPREPLY=()
    # To bash --format=csv is three words.
    if [[ $word == "=" ]]; then
        word=""
    elif [[ $before == "=" ]]; then
        before="${{COMP_WORDS[COMP_CWORD - 2]}}"
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${{COMP_WORDS[i]}}" in
            {here}) at="$at ${{COMP_WORDS[i]}}" ;;
        esac
    done
    case "$at $before" in
{_lines(values)}
    esac
    case "$at" in
{_lines(words)}
    esac
}}
complete -F _{program} {program}
"""


def _lines(lines: list[str]) -> str:
    return "\n".join(lines)


# --- zsh ----------------------------------------------------------------------------------------


def _zsh(program: str, known: list[Command]) -> str:
    def told(words: dict[str, str]) -> str:
        return " ".join(_quoted(f"{word}:{text}") for word, text in words.items())

    here = " | ".join(_quoted(command.words) for command in known[1:])
    values, words = [], []
    for at, slot in _after(known):
        listed = " ".join(map(_quoted, slot.values or ()))
        does = "_files; " if slot.is_path else f"compadd -- {listed}; " if listed else ""
        values.append(f"        ({_quoted(at)}) {does}return ;;")
    for command in known:
        files = "; _files" if _takes_path(command) else ""
        known_words, flags = told(_words(command)), told(_flags(command))
        words.append(f"        ({_quoted(command.words)}) known=({known_words}); flags=({flags}){files} ;;")
    return f"""\
#compdef {program}
# zsh completion of {program}. In ~/.zshrc, after compinit: source <({program} completion zsh)
_{program}() {{
    local at={program} i
    local -a known flags
    for ((i = 2; i < CURRENT; i++)); do
        case "$at $words[i]" in
            ({here}) at="$at $words[i]" ;;
        esac
    done
    case "$at $words[CURRENT-1]" in
{_lines(values)}
    esac
    case "$at" in
{_lines(words)}
    esac
    _describe {program} known
    _describe -o option flags
}}
# Run by compinit out of a folder of $fpath, or sourced.
if [[ $funcstack[1] == _{program} ]]; then _{program} "$@"; else compdef _{program} {program}; fi
"""


# --- fish ---------------------------------------------------------------------------------------


def _fish(program: str, known: list[Command]) -> str:
    def quoted(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    lines = []
    for command in known:
        at = f"complete -c {program} -n {quoted(f'__{program}_at {quoted(command.words)}')}"
        lines += [f"{at} -a {quoted(word)} -d {quoted(told)}" for word, told in command.commands.items()]
        for slot in command.arguments:
            if slot.values:
                lines.append(f"{at} -a {quoted(' '.join(slot.values))}")
            elif slot.is_path:
                lines.append(f"{at} -F")
        for slot in command.options:
            flags = " ".join(f"-l {f[2:]}" if f.startswith("--") else f"-s {f[1:]}" for f in slot.flags)
            listed = f" -a {quoted(' '.join(slot.values))}" if slot.values else ""
            takes = "" if slot.values is None else " -r -F" if slot.is_path else f" -x{listed}"
            lines.append(f"{at} {flags}{takes} -d {quoted(slot.help)}")
    return f"""\
# fish completion of {program}: {program} completion fish > ~/.config/fish/completions/{program}.fish
function __{program}_at
    set -l at {program}
    for word in (commandline -opc)[2..]
        if contains -- "$at $word" {" ".join(quoted(command.words) for command in known[1:])}
            set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end
complete -c {program} -f
{_lines(lines)}
"""


SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
