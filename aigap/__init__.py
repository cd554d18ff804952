"""Where is all the AI revenue? The gap, quarter by quarter, for Python."""
