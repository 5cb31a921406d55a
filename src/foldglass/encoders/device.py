"""Which device a network runs on."""

import torch

from foldglass.errors import UsageError


def pick_device(device: str) -> torch.device:
    """The device a person asked for; `auto` takes CUDA, then MPS, then the CPU.

    Raises
    ------
    UsageError
        If the device is unknown or not on this machine.

    Examples
    --------
    >>> pick_device("cpu")
    device(type='cpu')
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return torch.device(next(name for name, there in present.items() if there))
    kind = device.partition(":")[0]
    if kind not in present:
        raise UsageError(f"device '{device}'", got="an unknown device", expected="auto, cpu, cuda or mps")
    if not present[kind]:
        raise UsageError(f"device '{device}'", got="none that torch can use here", remedy="use --device auto or cpu")
    return torch.device(device)
