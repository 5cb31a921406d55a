"""Exponential moving average of a module's weights and buffers."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Running average of a module's state; young averages forget faster, so that the start does not linger.

    Examples
    --------
    >>> layer = nn.Linear(1, 1)
    >>> average = WeightAverage(layer, 0.9)
    >>> _ = layer.weight.data.fill_(2.0), layer.bias.data.fill_(0.0)
    >>> for step in range(500):
    ...     average.update(step)
    >>> round(average.state["weight"].item(), 3)
    2.0
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._module, self._decay = module, decay
        self.state: dict[str, Tensor] = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step."""
        keep = min(self._decay, (1 + step) / (10 + step))
        for name, value in self._module.state_dict().items():
            own = self.state[name]
            if own.is_floating_point():
                own.lerp_(value, 1 - keep)
            else:
                own.copy_(value)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module with averaged weights, for the time of a `with` block."""
        raw = {name: value.detach().clone() for name, value in self._module.state_dict().items()}
        self._module.load_state_dict(self.state)
        try:
            yield
        finally:
            self._module.load_state_dict(raw)
