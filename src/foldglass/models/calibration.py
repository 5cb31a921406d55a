"""From cosines to scores with a meaning: TM-score, probability of the same fold, local score.

A network's cosine ranks pairs well and is off as a number, more so where training pairs were few; a monotone map
fitted on validation pairs puts it right without changing the ranking. The maps are fitted in `foldglass.train`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

import numpy as np
from jaxtyping import Float

Kinds = Literal["sequence-sequence", "structure-structure", "sequence-structure"]
"""What the two embeddings were made from, whichever is the query."""


def kinds_of(query: str, target: str) -> Kinds:
    """Name of a pairing of `sequence` and `structure`.

    Examples
    --------
    >>> kinds_of("structure", "sequence")
    'sequence-structure'
    """
    return cast(Kinds, "-".join(sorted((query, target))))


@dataclass(frozen=True)
class PairingCalibration:
    """Maps of one pairing: knots of two monotone piecewise-linear maps and a logistic curve.

    `tm` and `local` are (cosines, scores); `fold` is (slope, intercept) of the log-odds that TM exceeds 0.5, a linear
    function of the cosine; `unrelated` are (cosines, log10 of the share of unrelated pairs that reach them).
    """

    tm: tuple[tuple[float, ...], tuple[float, ...]] = ((-1.0, 0.0, 1.0), (0.0, 0.0, 1.0))
    fold: tuple[float, float] = (20.0, -10.0)
    local: tuple[tuple[float, ...], tuple[float, ...]] = ((-1.0, 0.0, 1.0), (0.0, 0.0, 1.0))
    unrelated: tuple[tuple[float, ...], tuple[float, ...]] | None = None


@dataclass(frozen=True)
class Calibration:
    """Calibrated scores for every pairing of towers; the default leaves cosines as they are.

    Examples
    --------
    >>> Calibration().tm(np.array([0.4, 1.0]), kinds="structure-structure").tolist()
    [0.4, 1.0]
    """

    pairings: dict[str, PairingCalibration] = field(default_factory=dict)

    def tm(self, cosine: Float[np.ndarray, "*shape"], *, kinds: str) -> Float[np.ndarray, "*shape"]:
        """Symmetric TM-score, sqrt(tm_query * tm_target), for cosines of protein vectors."""
        return np.asarray(np.interp(cosine, *self._of(kinds).tm))

    def least_cosine(self, tm: float, *, kinds: str) -> float:
        """The least cosine whose symmetric TM-score is `tm`; infinite if none is.

        Examples
        --------
        >>> Calibration().least_cosine(0.5, kinds="structure-structure")
        0.5
        """
        x, y = self._of(kinds).tm
        reach = next((i for i, score in enumerate(y) if score >= tm), None)
        if reach is None:
            return float("inf")
        if reach == 0:
            return -1.0
        share = (tm - y[reach - 1]) / (y[reach] - y[reach - 1])
        return x[reach - 1] + share * (x[reach] - x[reach - 1])

    def p_same_fold(self, cosine: Float[np.ndarray, "*shape"], *, kinds: str) -> Float[np.ndarray, "*shape"]:
        """Probability that the symmetric TM-score is above 0.5."""
        slope, intercept = self._of(kinds).fold
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(slope * cosine + intercept, -60, 60))))

    def p_unrelated(self, cosine: Float[np.ndarray, "*shape"], *, kinds: str) -> Float[np.ndarray, "*shape"]:
        """Share of unrelated pairs whose protein vectors have at least this cosine; NaN if it was not measured.

        Times the number of entries of a database it is an E-value: how many hits of this cosine chance would give.
        """
        unrelated = self._of(kinds).unrelated
        if unrelated is None:
            return np.full(np.shape(cosine), np.nan)
        return np.asarray(10.0 ** np.interp(cosine, *unrelated))

    def local(
        self, query: Float[np.ndarray, "M D"], target: Float[np.ndarray, "M D"], *, kinds: str
    ) -> Float[np.ndarray, " M"]:
        """Predicted `glass` lDDT for vectors of aligned residues, row by row."""
        return np.asarray(np.interp((query * target).sum(axis=1), *self._of(kinds).local))

    @staticmethod
    def sides(
        tm: Float[np.ndarray, "*shape"],
        length_query: Float[np.ndarray, "*shape"],
        length_target: Float[np.ndarray, "*shape"],
    ) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
        """Both TM-scores from the symmetric one and the two lengths.

        TM x length is nearly the same seen from both sides, so tm_query = tm * sqrt(length_target / length_query),
        at most 1; the target's side the other way round.

        Examples
        --------
        >>> sides = Calibration.sides(np.array([0.5]), np.array([400.0]), np.array([100.0]))
        >>> [float(side[0]) for side in sides]
        [0.25, 1.0]
        """
        ratio = np.sqrt(length_target / length_query)
        return np.minimum(tm * ratio, 1.0), np.minimum(tm / ratio, 1.0)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a model's `config.json`."""
        return {kinds: asdict(pairing) for kinds, pairing in self.pairings.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Calibration":
        """The calibration that `to_json` wrote."""
        return cls(
            {
                kinds: PairingCalibration(
                    tm=(tuple(own["tm"][0]), tuple(own["tm"][1])),
                    fold=(own["fold"][0], own["fold"][1]),
                    local=(tuple(own["local"][0]), tuple(own["local"][1])),
                    unrelated=_knots(own.get("unrelated")),
                )
                for kinds, own in values.items()
            }
        )

    def _of(self, kinds: str) -> PairingCalibration:
        return self.pairings.get(kinds, PairingCalibration())


def _knots(values: list[list[float]] | None) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    return None if values is None else (tuple(values[0]), tuple(values[1]))
