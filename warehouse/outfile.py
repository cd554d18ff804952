"""A file that a user asked for: whole, or not there.

Belongs here: writing beside the name and renaming. Does not belong here: what is in the file, and anything under
AIGAP_HOME.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import Mistake, WarehouseError
from warehouse.home import beside


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A name to write under, in the same folder; moved to `path`, in place of what is there, once all is written.

    :raises Mistake: `path` is a folder, its folder is not there, or it is named as a database is: the published file is
        the likeliest to be meant, and the last that should be replaced.
    :raises WarehouseError: it cannot be written.
    """
    path = path.expanduser().absolute()
    if path.is_dir() or not path.parent.is_dir():
        raise Mistake(f"{path} is a folder" if path.is_dir() else f"there is no folder {path.parent}")
    if path.suffix == ".duckdb":
        raise Mistake(f"{path} is named as a database is; choose another name")
    temporary = beside(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise WarehouseError(f"{path} was not written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
