"""A file that a user asked for: whole, or not there, and never one of aigap's own.

Belongs here: writing beside the name and renaming, which names are refused. Does not belong here: what is in the file,
and anything under AIGAP_HOME.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import Mistake, WarehouseError
from warehouse.store.home import Home, beside


def refuse_owned(path: Path, home: Home) -> None:
    """Refuse a place to write to that aigap itself uses, whatever links lead to its folder.

    :raises Mistake: it is the home, a file or folder of the home that aigap made, or named as a database is (or its
        log, which would be replayed): the published file is the likeliest to be meant, and the last to be replaced.
    """
    path = path.expanduser().absolute()
    if ".duckdb" in path.suffixes:
        raise Mistake(f"{path} is named as a database is; choose another name")
    real, root = path.parent.resolve() / path.name, home.root.resolve()
    if not real.is_relative_to(root):
        return
    first = real.relative_to(root).parts[:1]
    own = {part.name for name in dir(Home) if isinstance(part := getattr(home, name), Path) and part != home.root}
    if not first or first[0].startswith(".") or first[0] in own:
        raise Mistake(f"{path} is what aigap keeps its own files in; choose another name")


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A name to write under, in the same folder; moved to `path`, in place of what is there, once all is written.

    :raises Mistake: `path` is a folder, or its folder is not there.
    :raises WarehouseError: it cannot be written.
    """
    path = path.expanduser().absolute()
    if path.is_dir() or not path.parent.is_dir():
        raise Mistake(f"{path} is a folder" if path.is_dir() else f"there is no folder {path.parent}")
    temporary = beside(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise WarehouseError(f"{path} was not written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
