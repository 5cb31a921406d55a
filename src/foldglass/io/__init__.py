"""Readers, tables and the archive client; no torch here."""
