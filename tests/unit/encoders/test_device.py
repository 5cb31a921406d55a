import pytest
import torch

from foldglass.app.options import DeviceName
from foldglass.encoders.device import pick_device
from foldglass.errors import UsageError


def test_auto_takes_the_fastest_there_is(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == "cuda"
    assert pick_device("cuda:1").index == 1
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto").type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device("auto").type == "cpu"


def test_device_that_is_not_here(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ("cuda", DeviceName.CUDA):
        with pytest.raises(UsageError, match=r"^device 'cuda': none that torch can use here; use --device auto or cpu"):
            pick_device(device)


def test_unknown_device():
    with pytest.raises(UsageError, match=r"device 'gpu': an unknown device; expected auto, cpu, cuda or mps"):
        pick_device("gpu")
