"""What every evaluation report's JSON shares: plain values, and when and where they were measured."""

import dataclasses
import math
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np


def provenance() -> dict[str, str]:
    """Date, machine and version of the package.

    Examples
    --------
    >>> list(provenance())
    ['date', 'machine', 'foldglass']
    """
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "foldglass": version("foldglass"),
    }


def plain(value: Any) -> Any:
    """Dataclasses, named tuples and arrays as dictionaries and lists; a number that is not finite as None.

    Examples
    --------
    >>> plain({"figures": np.array([0.5, np.nan])})
    {'figures': [0.5, None]}
    """
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
