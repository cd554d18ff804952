"""T45: what a power cut may lose. A rename or link may be on disk at once or never, until its folder is synced."""

import os
import shutil
from pathlib import Path

import pytest

from support.small_warehouse import publish_small, small_home
from warehouse.store.home import Home


def record(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Every sync, rename and link of this process from now on, in order, by base name."""
    events: list[tuple[str, ...]] = []

    def wrap(name: str, describe) -> None:
        original = getattr(os, name)

        def recorded(*arguments, **options):
            told = describe(*arguments)
            result = original(*arguments, **options)
            events.append((name, *told))
            return result

        monkeypatch.setattr(os, name, recorded)

    def base(path: str | os.PathLike) -> str:
        return Path(path).name

    wrap("fsync", lambda handle: [base(os.readlink(f"/proc/self/fd/{handle}"))])
    for name in ("rename", "replace", "symlink"):
        wrap(name, lambda source, target: [base(source), base(target)])
    return events


def test_t45_the_link_names_only_what_is_safe_on_the_disk(tmp_path, monkeypatch):
    """When the link may first point at the new generation, the file's bytes and its name are both synced; when publish
    returns, so is the link."""
    first = small_home(tmp_path / "first")
    publish_small(first)
    home = Home(shutil.copytree(first.root, tmp_path / "home", symlinks=True))
    events = record(monkeypatch)
    new = publish_small(home, force=True).path.name
    monkeypatch.undo()

    (named,) = [event for event in events if event[0] in ("rename", "replace") and event[2] == new]
    written = named[1]
    (flipped,) = [event for event in events if event[0] in ("rename", "replace") and event[2] == home.published.name]
    order = [
        events.index(("fsync", written)),
        events.index(named),
        events.index(("fsync", home.generations.name), events.index(named)),
        events.index(flipped),
        events.index(("fsync", home.root.name), events.index(flipped)),
    ]
    assert order == sorted(order), events
    # Nothing touches the generation's name or the link again.
    later = events[order[-1] + 1 :]
    assert not [event for event in later if {new, home.published.name} & set(event[1:])]
