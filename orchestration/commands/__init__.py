"""The command line, by what one does: reading, running, deciding, keeping."""
