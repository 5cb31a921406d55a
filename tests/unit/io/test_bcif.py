"""Every BinaryCIF encoding against biotite's encoder, which is not ours."""

from typing import Any

import numpy as np
import pytest

from foldglass.io.bcif import _decoded

pdbx = pytest.importorskip("biotite.structure.io.pdbx")


def packed(values: Any, *encodings: Any) -> dict[str, Any]:
    """A column's data as BinaryCIF holds it; the last encoding makes bytes."""
    return dict(pdbx.BinaryCIFData(np.asarray(values), list(encodings)).serialize())


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "u1", "u2", "u4", "f4", "f8"])
def test_byte_array(dtype: str) -> None:
    values = np.array([0, 1, 100, 3], dtype)
    decoded = _decoded(packed(values, pdbx.ByteArrayEncoding()))
    assert decoded.dtype == values.dtype
    np.testing.assert_array_equal(decoded, values)


def test_fixed_point() -> None:
    values = np.array([1.234, -5.678, 0.0])
    decoded = _decoded(packed(values, pdbx.FixedPointEncoding(factor=1000), pdbx.ByteArrayEncoding()))
    np.testing.assert_allclose(decoded, values, atol=5e-4)


def test_interval_quantization() -> None:
    values = np.linspace(2.0, 5.0, 13)
    encoding = pdbx.IntervalQuantizationEncoding(min=2.0, max=5.0, num_steps=13)
    np.testing.assert_allclose(_decoded(packed(values, encoding, pdbx.ByteArrayEncoding())), values)


def test_run_length_and_delta() -> None:
    values = np.array([7, 7, 7, 8, 9, 9, 2], np.int32)
    for encoding in (pdbx.RunLengthEncoding(), pdbx.DeltaEncoding()):
        np.testing.assert_array_equal(_decoded(packed(values, encoding, pdbx.ByteArrayEncoding())), values)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("lowest", [0, -70_000])
def test_integer_packing(width: int, lowest: int) -> None:
    edges = [0, 1, 126, 127, 128, 129, 254, 255, 256, 32766, 32767, 32768, 65534, 65535, 65536, 70_000]
    values = np.array([*edges, *(-e for e in edges if -e >= lowest)], np.int32)
    encoding = pdbx.IntegerPackingEncoding(byte_count=width, is_unsigned=lowest == 0)
    np.testing.assert_array_equal(_decoded(packed(values, encoding, pdbx.ByteArrayEncoding())), values)


def test_integer_packing_of_nothing() -> None:
    encoding = {"kind": "IntegerPacking", "isUnsigned": True, "byteCount": 1, "srcSize": 0}
    data = {"data": b"", "encoding": [encoding, {"kind": "ByteArray", "type": 4}]}
    assert _decoded(data).shape == (0,)


def test_string_array() -> None:
    values = np.array(["CA", "", "HOH", "CA", "a longer one"])
    np.testing.assert_array_equal(_decoded(packed(values, pdbx.StringArrayEncoding())), values)


def test_string_that_is_not_given() -> None:
    index = packed(np.array([1, -1, 0], np.int8), pdbx.ByteArrayEncoding())
    offsets = packed(np.array([0, 1, 3], np.uint8), pdbx.ByteArrayEncoding())
    encoding = {
        "kind": "StringArray",
        "stringData": "abc",
        "dataEncoding": index["encoding"],
        "offsets": offsets["data"],
        "offsetEncoding": offsets["encoding"],
    }
    assert _decoded({"data": index["data"], "encoding": [encoding]}).tolist() == ["bc", "", "a"]
