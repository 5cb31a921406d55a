"""Rigid-motion-invariant descriptions of C-alpha traces; no torch here."""
