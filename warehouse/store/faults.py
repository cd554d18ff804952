"""Named points at which a test may kill the process, as a power cut would.

Belongs here: the names and the one function that kills. Does not belong here: recovery; there is none to write,
because every step before the flip leaves the published file alone.
"""

from __future__ import annotations

import os
import signal

#: The points of a publish, in order (`flipped` is the first at which readers see the new generation).
PUBLISH_POINTS = (
    "publish.locked",
    "publish.cleaned",
    "publish.created",
    "publish.half_copied",
    "publish.copied",
    "publish.checkpointed",
    "publish.synced",
    "publish.verified",
    "publish.named",
    "publish.link_made",
    "publish.flipped",
    "publish.collected",
)

#: The points of an import, in order, up to where it publishes (then: publish.named and what follows).
IMPORT_POINTS = (
    "import.checked",
    "import.half_staged",
    "import.staged",
    "import.half_archived",
    "import.archived",
)


def crash_point(name: str) -> None:
    """Die by SIGKILL if the environment variable AIGAP_CRASH_AT is `name`: no handler, no clean-up runs."""
    if os.environ.get("AIGAP_CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
