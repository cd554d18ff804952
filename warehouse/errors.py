"""The errors warehouse raises on purpose. A message says what, where, and what to do next.

Belongs here: error classes and the exit code each one stands for. Does not belong here: anything else.
"""

from __future__ import annotations

FAILED = 1
USAGE = 2
BUSY = 75


class WarehouseError(Exception):
    """Base of them all: the work cannot be done, and the last published numbers are untouched."""

    exit_code = FAILED


class Busy(WarehouseError):
    """Another process is refreshing, or holds the build file; trying again later is enough."""

    exit_code = BUSY


class LoadError(WarehouseError):
    """A table handed to the raw layer does not fit it; names table, column or row."""


class PublishError(WarehouseError):
    """A new generation failed its audit or could not be written; readers keep the old one."""


class BackupError(WarehouseError):
    """A backup is not whole, or could not be written; names the file. Nothing was changed."""


class NotPublished(WarehouseError):
    """No published file can be opened."""


class Mistake(WarehouseError):
    """What the user asked for cannot be: an unknown quarter, a statement that is no query."""

    exit_code = USAGE
