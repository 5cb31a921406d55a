"""Residue encoders: protein language models, the built-in encoder, and their cache."""
