"""The command line: one file per command, thin over the package.

Nothing heavier than typer is imported at module level, so that help and wrong usage answer at once.
"""
