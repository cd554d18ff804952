"""Where runs of the daemon and the UI log to: standard error, with nothing that a terminal would obey.

Belongs here: that logger. Does not belong here: what is logged, the progress of `aigap refresh` (run.py).
"""

from __future__ import annotations

import logging
from typing import Any

import dagster as dg

from warehouse.formats import harmless


def _harmless(record: logging.LogRecord) -> bool:
    record.msg, record.args = harmless(record.getMessage()), ()
    return True


def _console(context: dg.InitLoggerContext) -> logging.Logger:
    logger = dg.colored_console_logger.logger_fn(context)
    logger.addFilter(_harmless)
    return logger


#: What a run that nobody watches is started with: without it Dagster takes its own logger, whatever a job says.
LOGGED: dict[str, Any] = {"loggers": {"console": {}}}
#: Dagster's own console logger under its own name.
LOGGERS = {
    "console": dg.LoggerDefinition(
        _console, config_schema=dg.colored_console_logger.config_schema, description=__doc__.splitlines()[0]
    )
}
