"""Mean and spread of a figure over repeated runs, as the result tables hold them."""

from collections.abc import Sequence

import numpy as np


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Mean and sample standard deviation, which one value does not have."""
    return {
        "mean": round(float(np.mean(values)), 4),
        "sd": round(float(np.std(values, ddof=1)), 4) if len(values) > 1 else None,
    }
