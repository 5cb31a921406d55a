"""Noise levels of the score network."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32

from foldglass.errors import ModelError


@dataclass(frozen=True)
class NoiseLevels:
    """Standard deviations of Gaussian coordinate noise, geometric from `highest` to `lowest`, in angstrom.

    Source: Guo et al. 2022 (K = 32, 10 to 0.01 angstrom); the spacing is that of Song and Ermon 2019.

    Raises
    ------
    ModelError
        If there are fewer than two levels, or they do not fall.

    Examples
    --------
    >>> NoiseLevels(count=4, highest=8.0, lowest=1.0).sigma.round(2).tolist()
    [8.0, 4.0, 2.0, 1.0]
    """

    count: int = 32
    highest: float = 10.0
    lowest: float = 0.01

    def __post_init__(self) -> None:
        if self.count < 2 or not 0 < self.lowest < self.highest:
            raise ModelError(
                "noise levels",
                got=f"{self.count} from {self.highest} to {self.lowest} angstrom",
                expected="two or more, falling, all above 0",
            )

    @cached_property
    def sigma(self) -> Float32[np.ndarray, " K"]:
        """The levels, highest first."""
        return np.geomspace(self.highest, self.lowest, self.count).astype(np.float32)

    def nearest(self, sigma: float) -> int:
        """Index of the level nearest to a standard deviation, on the logarithmic scale.

        Examples
        --------
        >>> NoiseLevels(count=4, highest=8.0, lowest=1.0).nearest(3.5)
        1
        """
        if not sigma > 0:
            raise ModelError("noise level", got=f"{sigma} angstrom", expected="a positive number")
        return int(np.abs(np.log(self.sigma / sigma)).argmin())
