"""What a model says about the pairs of an evaluation set, for each pairing of its towers."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from foldglass.errors import ModelError
from foldglass.protein import Comparison, Embedding, Sequence, Structure
from foldglass.train.evaluation_set import Alignments, EvaluationSet

LOCAL_TM = 0.7
"""Symmetric TM-score from which local scores are judged (GLASS, Methods)."""


@runtime_checkable
class Calibration(Protocol):
    """The part of a model's calibration that evaluation uses."""

    def tm(self, cosine: Float[np.ndarray, " B"], *, kinds: str) -> Float[np.ndarray, " B"]: ...
    def p_same_fold(self, cosine: Float[np.ndarray, " B"], *, kinds: str) -> Float[np.ndarray, " B"]: ...
    def sides(
        self,
        tm: Float[np.ndarray, " B"],
        length_query: Float[np.ndarray, " B"],
        length_target: Float[np.ndarray, " B"],
    ) -> tuple[Float[np.ndarray, " B"], Float[np.ndarray, " B"]]: ...
    def local(
        self, query: Float[np.ndarray, "M D"], target: Float[np.ndarray, "M D"], *, kinds: str
    ) -> Float[np.ndarray, " M"]: ...


@runtime_checkable
class EvaluatedModel(Protocol):
    """The part of a model that evaluation uses; `towers` names those that it has."""

    @property
    def id(self) -> str: ...
    @property
    def towers(self) -> Collection[str]: ...
    @property
    def calibration(self) -> Calibration: ...
    def embed_stream(self, proteins: Iterable[Sequence]) -> Iterator[Embedding]: ...
    def score(self, query: Embedding, target: Embedding, *, align: bool = True) -> Comparison: ...


@dataclass(frozen=True)
class Pairing:
    """Which tower embeds the query and which the target."""

    key: str
    title: str
    query: str
    target: str

    @property
    def kinds(self) -> str:
        """The pairing's name in a model's calibration."""
        return f"{self.query}-{self.target}"


PAIRINGS = (
    Pairing("sequence", "sequence vs sequence", "sequence", "sequence"),
    Pairing("structure", "structure vs structure", "structure", "structure"),
    Pairing("mixed", "sequence vs structure", "sequence", "structure"),
)


@dataclass(frozen=True, eq=False)
class FoldPredictions:
    """One predictor's answers for every pair: symmetric TM-score and probability of TM above 0.5."""

    key: str
    title: str
    is_baseline: bool
    tm: Float[np.ndarray, " B"]
    p_same_fold: Float[np.ndarray, " B"]


@dataclass(frozen=True, eq=False)
class LocalPredictions:
    """Local scores and alignments of the pairs with a TM-score of `LOCAL_TM` or more.

    `given_alignment` and `end_to_end` belong to the residues of `LocalTruth`: predicted under TM-align's
    alignment, and under the model's own, where a residue that the model leaves unaligned is NaN.
    `alignments` are the model's own, one per pair.
    """

    key: str
    title: str
    given_alignment: Float[np.ndarray, " M"]
    end_to_end: Float[np.ndarray, " M"]
    alignments: Alignments

    def only(self, chosen: Bool[np.ndarray, " P"], truth: "LocalTruth") -> "LocalPredictions":
        """Keep the residues and alignments of the chosen pairs of `truth`."""
        residues = chosen[truth.row]
        return LocalPredictions(
            key=self.key,
            title=self.title,
            given_alignment=self.given_alignment[residues],
            end_to_end=self.end_to_end[residues],
            alignments=tuple(self.alignments[row] for row in np.flatnonzero(chosen)),
        )


@dataclass(frozen=True, eq=False)
class LocalTruth:
    """Measured local scores of all aligned query residues of `pairs`, end to end.

    `row` is each residue's position in `pairs`, which are rows of the evaluation set.
    """

    pairs: Int[np.ndarray, " P"]
    row: Int[np.ndarray, " M"]
    glass: Float[np.ndarray, " M"]
    plain: Float[np.ndarray, " M"]
    distant: Float[np.ndarray, " M"]

    @classmethod
    def of(cls, data: EvaluationSet, pairs: Int[np.ndarray, " P"]) -> "LocalTruth":
        """Measure the local scores of the given pairs."""
        scores = [data.local_truth(pair) for pair in pairs.tolist()]
        aligned = [data.alignments[pair][:, 0] for pair in pairs.tolist()]
        forms = {
            form: np.concatenate([np.zeros(0), *(s[form][rows] for s, rows in zip(scores, aligned, strict=True))])
            for form in ("glass", "plain", "distant")
        }
        lengths = np.array([len(rows) for rows in aligned], dtype=np.int64)
        return cls(pairs=pairs, row=np.repeat(np.arange(len(pairs)), lengths), **forms)

    def only(self, chosen: Bool[np.ndarray, " P"]) -> "LocalTruth":
        """Keep the residues of the chosen pairs."""
        residues = chosen[self.row]
        return LocalTruth(
            pairs=self.pairs[chosen],
            row=(np.cumsum(chosen) - 1)[self.row[residues]],
            glass=self.glass[residues],
            plain=self.plain[residues],
            distant=self.distant[residues],
        )


def local_pairs(data: EvaluationSet) -> Int[np.ndarray, " P"]:
    """Give the pairs whose local score is judged: similar ones, with at least one aligned residue."""
    aligned = np.array([len(alignment) > 0 for alignment in data.alignments])
    return np.flatnonzero((data.tm >= LOCAL_TM) & aligned)


def predict(model: EvaluatedModel, data: EvaluationSet) -> list[tuple[FoldPredictions, LocalPredictions]]:
    """Ask the model for every pair, once per pairing of the towers that it has.

    Each protein is embedded once per tower. Residue vectors are kept only of proteins whose local score
    is judged, so that memory grows with those.

    Raises
    ------
    ModelError
        If the model has neither a sequence nor a structure tower.
    """
    pairs = local_pairs(data)
    towers = {tower: _embed(model, data, tower, pairs) for tower in ("sequence", "structure") if tower in model.towers}
    if not towers:
        raise ModelError(
            f"model {model.id}",
            got=f"the towers {', '.join(model.towers) or 'none'}",
            expected="a sequence or a structure tower",
        )
    answers = []
    for pairing in PAIRINGS:
        if pairing.query in towers and pairing.target in towers:
            (left, left_residues), (right, right_residues) = towers[pairing.query], towers[pairing.target]
            cosine = np.einsum("bd,bd->b", left[data.query], right[data.target]).astype(np.float64)
            fold = FoldPredictions(
                key=pairing.key,
                title=pairing.title,
                is_baseline=False,
                tm=np.asarray(model.calibration.tm(cosine, kinds=pairing.kinds), dtype=np.float64),
                p_same_fold=np.asarray(model.calibration.p_same_fold(cosine, kinds=pairing.kinds), dtype=np.float64),
            )
            answers.append((fold, _predict_local(model, data, pairing, pairs, left_residues, right_residues)))
    return answers


def _embed(
    model: EvaluatedModel, data: EvaluationSet, tower: str, pairs: Int[np.ndarray, " P"]
) -> tuple[Float32[np.ndarray, "N D"], dict[int, Embedding]]:
    needed = {int(i) for i in (*data.query[pairs], *data.target[pairs])}
    proteins = (protein if tower == "structure" else _letters_only(protein) for protein in data.proteins)
    vectors: list[Float32[np.ndarray, " D"]] = []
    kept: dict[int, Embedding] = {}
    for i, embedding in enumerate(model.embed_stream(proteins)):
        vectors.append(embedding.protein)
        if i in needed:
            kept[i] = embedding
    return np.stack(vectors), kept


def _letters_only(protein: Structure) -> Sequence:
    return Sequence(protein.id, protein.letters, protein.source)


def _predict_local(
    model: EvaluatedModel,
    data: EvaluationSet,
    pairing: Pairing,
    pairs: Int[np.ndarray, " P"],
    queries: dict[int, Embedding],
    targets: dict[int, Embedding],
) -> LocalPredictions:
    given, end_to_end, alignments = [np.zeros(0)], [np.zeros(0)], []
    for pair in pairs:
        query, target = queries[int(data.query[pair])], targets[int(data.target[pair])]
        rows, columns = data.alignments[pair].T
        local = model.calibration.local(query.residue[rows], target.residue[columns], kinds=pairing.kinds)
        given.append(np.asarray(local, dtype=np.float64))
        own = model.score(query, target, align=True)
        end_to_end.append(np.asarray(own.lddt[rows], dtype=np.float64))
        alignments.append(own.alignment)
    return LocalPredictions(
        key=pairing.key,
        title=pairing.title,
        given_alignment=np.concatenate(given),
        end_to_end=np.concatenate(end_to_end),
        alignments=tuple(alignments),
    )
