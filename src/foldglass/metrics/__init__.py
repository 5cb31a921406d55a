"""Measured similarity of structures and of predictions; no torch here."""
