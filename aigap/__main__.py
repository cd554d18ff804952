"""The command, as `aigap` and as `python -m aigap`.

Belongs here: the one thing that must be said before anything else can be imported. Does not belong here: commands.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def main() -> int:
    """Run the command line; returns its exit code."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        running = ".".join(str(part) for part in sys.version_info[:3])
        sys.stderr.write("aigap: this is Python " + running + ", and aigap needs 3.11, 3.12 or 3.13\n")
        return 1
    from orchestration.commands.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
