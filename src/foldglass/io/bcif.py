"""BinaryCIF: column categories packed with MessagePack (Sehnal et al., PLoS Comput Biol 2020, specification 0.3)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import msgpack
import numpy as np
from jaxtyping import Shaped

from foldglass.errors import InputError
from foldglass.io.atoms import AtomTable
from foldglass.io.cif import table_of

Values = Shaped[np.ndarray, " _"]

_TYPES = {1: "<i1", 2: "<i2", 3: "<i4", 4: "<u1", 5: "<u2", 6: "<u4", 32: "<f4", 33: "<f8"}


def looks_like_bcif(head: bytes) -> bool:
    """Whether bytes begin like BinaryCIF: a MessagePack map with the keys of its top level."""
    return (
        bool(head) and 0x80 <= head[0] <= 0x8F and any(k in head[:64] for k in (b"encoder", b"version", b"dataBlocks"))
    )


def bcif_table(data: bytes, subject: str) -> AtomTable:
    """The first model of the first block with atoms of a BinaryCIF file.

    Raises
    ------
    InputError
        If the file is damaged, of another layout or has no atoms.
    """
    try:
        blocks = msgpack.unpackb(data)["dataBlocks"]
        for block in blocks:
            categories = {c["name"].lstrip("_"): c["columns"] for c in block["categories"]}
            if categories.get("atom_site"):
                return table_of(partial(_category, categories), subject)
    except (ArithmeticError, LookupError, TypeError, ValueError, msgpack.UnpackException) as error:
        raise InputError(
            subject,
            got=f"not readable as BinaryCIF ({type(error).__name__}: {error})",
            remedy="download or write it again",
        ) from error
    raise InputError(subject, got="a BinaryCIF file without atoms", expected="the category atom_site")


def _category(categories: dict[str, list[dict[str, Any]]], name: str) -> "_Columns":
    return _Columns(categories.get(name, []))


class _Columns(Mapping[str, Values]):
    """Columns of a category, decoded when asked for."""

    def __init__(self, columns: list[dict[str, Any]]) -> None:
        self._columns = {c["name"]: c for c in columns}

    def __getitem__(self, name: str) -> Values:
        column = self._columns[name]
        values = _decoded(column["data"])
        if column.get("mask") is None:
            return values
        absent = _decoded(column["mask"]) != 0
        if not absent.any():
            return values
        return np.where(absent, "", values.astype(str))

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def _decoded(packed: dict[str, Any]) -> Values:
    values: Any = packed["data"]
    for encoding in reversed(packed["encoding"]):
        values = _DECODERS[encoding["kind"]](values, encoding)
    return np.asarray(values)


def _byte_array(data: bytes, encoding: dict[str, Any]) -> Values:
    return np.frombuffer(data, dtype=_TYPES[encoding["type"]])


def _fixed_point(values: Values, encoding: dict[str, Any]) -> Values:
    return np.asarray(values.astype(np.float64) / encoding["factor"])


def _interval(values: Values, encoding: dict[str, Any]) -> Values:
    return np.asarray(encoding["min"] + values * (encoding["max"] - encoding["min"]) / (encoding["numSteps"] - 1))


def _run_length(values: Values, encoding: dict[str, Any]) -> Values:
    return np.repeat(values[::2], values[1::2])


def _delta(values: Values, encoding: dict[str, Any]) -> Values:
    return np.asarray(np.cumsum(values, dtype=np.int64) + encoding["origin"])


def _integer_packing(values: Values, encoding: dict[str, Any]) -> Values:
    """Integers cut to 8 or 16 bits: a limit of the type means that the next number is to be added."""
    limits = np.iinfo(values.dtype)
    last = values != limits.max
    if not encoding["isUnsigned"]:
        last &= values != limits.min
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
    return np.add.reduceat(values.astype(np.int64), starts) if len(ends) else values[:0].astype(np.int64)


def _string_array(data: bytes, encoding: dict[str, Any]) -> Values:
    offsets = _decoded({"data": encoding["offsets"], "encoding": encoding["offsetEncoding"]}).tolist()
    text = encoding["stringData"]
    strings = [text[i:j] for i, j in pairwise(offsets)]
    index = _decoded({"data": data, "encoding": encoding["dataEncoding"]})
    return np.asarray(np.array([*strings, ""])[index])  # -1, a value that is not given, takes the last


_DECODERS: dict[str, Callable[[Any, dict[str, Any]], Values]] = {
    "ByteArray": _byte_array,
    "FixedPoint": _fixed_point,
    "IntervalQuantization": _interval,
    "RunLength": _run_length,
    "Delta": _delta,
    "IntegerPacking": _integer_packing,
    "StringArray": _string_array,
}
