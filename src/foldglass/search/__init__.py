"""Finding similar proteins among many."""

from foldglass.search.exact import EntryTable, Hit, search

__all__ = ["EntryTable", "Hit", "search"]
