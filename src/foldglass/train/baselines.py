"""What a pair can be told without the model: constants, lengths, composition and sequence alignment."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from foldglass.constants import AMINO_ACIDS, SAME_FOLD_TM
from foldglass.encoders.builtin import tokenize
from foldglass.errors import MissingExtraError
from foldglass.train.evaluation_predictions import FoldPredictions
from foldglass.train.evaluation_set import EvaluationSet
from foldglass.typing import AlignedPairs

GAP_OPEN, GAP_EXTEND = 11, 1
"""Gap costs that BLAST uses with BLOSUM62."""

_KMER = 3
_NOT_IN_BLOSUM62 = str.maketrans("JOU", "XXX")


@dataclass(frozen=True, eq=False)
class IsotonicFit:
    """A rising step curve, joined by lines, that turns a feature into a prediction.

    `x` are the distinct feature values of the fit, `y` the fitted means; outside, the end values hold.
    """

    x: Float[np.ndarray, " K"]
    y: Float[np.ndarray, " K"]

    @classmethod
    def of(cls, feature: Float[np.ndarray, " B"], truth: Float[np.ndarray, " B"]) -> "IsotonicFit":
        """Fit by pooling adjacent violators: the rising curve with the least squared error.

        References
        ----------
        Ayer et al. (1955) Ann. Math. Statist. 26:641.

        Examples
        --------
        >>> import numpy as np
        >>> IsotonicFit.of(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.8, 0.4]))(np.array([0.0, 3.0]))
        array([0. , 0.6])
        """
        x, place, count = np.unique(feature, return_inverse=True, return_counts=True)
        sums = np.bincount(place, truth, minlength=len(x))
        blocks: list[tuple[float, int, int]] = []  # sum, samples, distinct feature values
        for total, samples in zip(sums.tolist(), count.tolist(), strict=True):
            values = 1
            while blocks and blocks[-1][0] * samples >= total * blocks[-1][1]:
                before, before_samples, before_values = blocks.pop()
                total, samples, values = total + before, samples + before_samples, values + before_values
            blocks.append((total, samples, values))
        y = np.concatenate([np.full(values, total / samples) for total, samples, values in blocks])
        return cls(x, y)

    def __call__(self, feature: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
        """Predict from the feature."""
        return np.interp(feature, self.x, self.y)


@dataclass(frozen=True)
class _Baseline:
    key: str
    title: str
    feature: Callable[[EvaluationSet], Float[np.ndarray, " B"]]


def predict_baselines(data: EvaluationSet, fit: EvaluationSet | None) -> list[FoldPredictions]:
    """Predict every pair by each baseline, with curves fitted on other pairs.

    Parameters
    ----------
    data
        The pairs to predict.
    fit
        The pairs to learn from. Without them the pairs of `data` are halved by the query's cluster and
        each half is predicted from the other.

    Returns
    -------
    list of FoldPredictions
        First the constant: the median TM-score and the share of same-fold pairs. Then one isotonic curve
        each of length ratio, amino-acid composition, 3-mer counts, sequence identity and alignment score.

    Raises
    ------
    MissingExtraError
        If parasail is not installed.
    """
    source = data if fit is None else fit
    parts = list(halves(data)) if fit is None else [(np.ones(len(source), bool), np.ones(len(data), bool))]
    same_fold = (source.tm > SAME_FOLD_TM).astype(np.float64)
    tm, p_same_fold = np.empty((2, len(data)))
    for learn, use in parts:
        tm[use], p_same_fold[use] = np.median(source.tm[learn]), same_fold[learn].mean()
    answers = [FoldPredictions("constant", "best constant", True, tm, p_same_fold)]
    for baseline in _BASELINES:
        known = baseline.feature(source)
        asked = known if fit is None else baseline.feature(data)
        tm, p_same_fold = np.empty((2, len(data)))
        for learn, use in parts:
            tm[use] = IsotonicFit.of(known[learn], source.tm[learn])(asked[use])
            p_same_fold[use] = IsotonicFit.of(known[learn], same_fold[learn])(asked[use])
        answers.append(FoldPredictions(baseline.key, baseline.title, True, tm, p_same_fold))
    return answers


def halves(data: EvaluationSet) -> Iterator[tuple[Bool[np.ndarray, " B"], Bool[np.ndarray, " B"]]]:
    """Part the pairs in two by the query's cluster: (learn from, predict), both ways; all if there is one cluster."""
    clusters, place = np.unique(data.cluster[data.query], return_inverse=True)
    if len(clusters) == 1:  # nothing to part by: say so in the report rather than refuse
        yield np.ones(len(data), bool), np.ones(len(data), bool)
        return
    first = (np.random.default_rng(0).permutation(len(clusters)) < len(clusters) // 2)[place]
    yield first, ~first
    yield ~first, first


def length_ratio(data: EvaluationSet) -> Float[np.ndarray, " B"]:
    """Shorter over longer length."""
    query, target = data.lengths[data.query], data.lengths[data.target]
    return np.minimum(query, target) / np.maximum(query, target)


def composition_cosine(data: EvaluationSet) -> Float[np.ndarray, " B"]:
    """Cosine of the mean one-hot vectors, with one channel for all letters that are not standard."""
    counts = np.stack([np.bincount(tokenize(p.letters), minlength=len(AMINO_ACIDS) + 1) for p in data.proteins])
    unit = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    return np.asarray(np.einsum("bk,bk->b", unit[data.query], unit[data.target]))


def kmer_cosine(data: EvaluationSet) -> Float[np.ndarray, " B"]:
    """Cosine of the 3-mer count vectors; 0 where a protein is shorter than 3."""
    found = [np.unique(_kmers(protein.letters), return_counts=True) for protein in data.proteins]
    norms = [float(np.linalg.norm(count)) for _, count in found]
    cosine = np.zeros(len(data))
    for pair, (i, j) in enumerate(zip(data.query, data.target, strict=True)):
        _, at_i, at_j = np.intersect1d(found[i][0], found[j][0], assume_unique=True, return_indices=True)
        if len(at_i):
            cosine[pair] = found[i][1][at_i] @ found[j][1][at_j] / (norms[i] * norms[j])
    return cosine


def sequence_identity(data: EvaluationSet) -> Float[np.ndarray, " B"]:
    """Identical residues of the global alignment (BLOSUM62, free end gaps) over the shorter length."""
    run, matrix = _parasail().sg_stats_striped_sat, _parasail().blosum62
    letters = [_for_blosum(protein.letters) for protein in data.proteins]
    matches = [
        run(letters[i], letters[j], GAP_OPEN, GAP_EXTEND, matrix).matches
        for i, j in zip(data.query, data.target, strict=True)
    ]
    return np.array(matches) / np.minimum(data.lengths[data.query], data.lengths[data.target])


def alignment_score(data: EvaluationSet) -> Float[np.ndarray, " B"]:
    """Local BLOSUM62 score over the geometric mean of both proteins' scores with themselves."""
    run, matrix = _parasail().sw_striped_sat, _parasail().blosum62
    letters = [_for_blosum(protein.letters) for protein in data.proteins]
    own = np.array([max(run(s, s, GAP_OPEN, GAP_EXTEND, matrix).score, 1) for s in letters])
    scores = [
        run(letters[i], letters[j], GAP_OPEN, GAP_EXTEND, matrix).score
        for i, j in zip(data.query, data.target, strict=True)
    ]
    return np.array(scores) / np.sqrt(own[data.query] * own[data.target])


def align_sequences(query: str, target: str) -> AlignedPairs:
    """Align two sequences globally (BLOSUM62, gaps 11/1, free end gaps): 0-based residue pairs.

    Raises
    ------
    MissingExtraError
        If parasail is not installed.
    """
    parasail = _parasail()
    result = parasail.sg_trace_striped_sat(
        _for_blosum(query), _for_blosum(target), GAP_OPEN, GAP_EXTEND, parasail.blosum62
    )
    columns: list[Int[np.ndarray, " C"]] = []
    both = np.ones(len(result.traceback.query), dtype=bool)
    for line in (result.traceback.query, result.traceback.ref):
        filled = np.frombuffer(line.encode(), dtype=np.uint8) != ord("-")
        columns.append(np.cumsum(filled) - 1)
        both &= filled
    return np.stack(columns, axis=1)[both]


_BASELINES = (
    _Baseline("length", "length ratio", length_ratio),
    _Baseline("composition", "amino-acid composition", composition_cosine),
    _Baseline("kmers", "3-mer counts", kmer_cosine),
    _Baseline("identity", "sequence identity", sequence_identity),
    _Baseline("alignment", "BLOSUM62 score", alignment_score),
)


def _kmers(letters: str) -> Int[np.ndarray, " K"]:
    codes = tokenize(letters)
    base = len(AMINO_ACIDS) + 1
    return np.asarray(sum(codes[i : len(codes) - _KMER + 1 + i] * base**i for i in range(min(_KMER, len(codes)))))


def _for_blosum(letters: str) -> str:
    return letters.translate(_NOT_IN_BLOSUM62)


@lru_cache(maxsize=1)
def _parasail() -> Any:
    try:
        import parasail
    except ModuleNotFoundError as error:
        raise MissingExtraError("sequence alignment", package="parasail", extra="train") from error
    return parasail
