"""Data, losses, the training loop, evaluation and reports."""
