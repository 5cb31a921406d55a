"""Finding similar proteins among many."""
