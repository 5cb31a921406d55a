import pytest

from foldglass.search import known as module
from foldglass.search.known import Known


@pytest.mark.parametrize("recent", [1, 3, 1000])
def test_known_is_a_set(monkeypatch, recent):
    monkeypatch.setattr(module, "_RECENT", recent)
    keys = [n.to_bytes(2, "big") for n in (7, 900, 3, 65535, 256)]
    known = Known(keys[:2], width=2)
    for place, key in enumerate(keys):
        assert (key in known) == (place < 2)
    for key in keys[2:]:
        known.add(key)
    assert all(key in known for key in keys)
    assert (8).to_bytes(2, "big") not in known
    assert b"zz" not in Known([], width=2)
