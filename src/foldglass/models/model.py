"""The model that people use: proteins in, embeddings and comparisons out."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Literal

import numpy as np
import torch

from foldglass.alignment import align_batch, pair_similarity
from foldglass.errors import InputError, ModelError
from foldglass.metrics.tm import tm_align
from foldglass.models.calibration import Calibration, kinds_of
from foldglass.models.tower import TOKENS, Tower
from foldglass.protein import Comparison, Embedding, Sequence, Structure, Superposition
from foldglass.typing import AlignedPairs

Precision = Literal["32", "bf16"]

_PROTEINS_AT_ONCE = 512
_RESIDUES_AT_ONCE = 100_000
_PAIRS_AT_ONCE = 64


class Model:
    """Towers into one space and the calibration of their cosines.

    Structures go through the structure tower and sequences through the sequence tower; vectors of both can be compared.
    Make one with `foldglass.load`.

    Parameters
    ----------
    towers
        Tower of each kind, `sequence` or `structure`.
    calibration
        Maps from cosines to scores.
    name, digest
        The model's name and the SHA-256 of its weights.
    description
        One line for people.

    Examples
    --------
    >>> from foldglass import Sequence, load
    >>> model = load()
    >>> embedding, = model.embed([Sequence("toy", "MKVLAAGIVGLLAAPE")])
    >>> embedding.protein.shape, embedding.residue.shape
    ((512,), (16, 512))
    """

    def __init__(
        self,
        towers: dict[str, Tower],
        *,
        calibration: Calibration | None = None,
        name: str = "unnamed",
        digest: str = "",
        description: str = "",
    ) -> None:
        self.towers = {kind: tower.eval().requires_grad_(False) for kind, tower in towers.items()}
        self.calibration = calibration or Calibration()
        self.name, self.digest, self.description = name, digest, description

    @property
    def id(self) -> str:
        """Name and short hash of the weights: vectors are comparable if this is equal."""
        return f"{self.name}@{self.digest[:8]}"

    def __repr__(self) -> str:
        return f"Model({self.id}, {' and '.join(self.towers)})"

    def embed(
        self,
        proteins: Iterable[Sequence],
        *,
        tokens: int = TOKENS,
        precision: Precision = "32",
        progress: Callable[[int], None] | None = None,
    ) -> list[Embedding]:
        """Embed proteins of any lengths; see `embed_stream` for more than fit in memory."""
        return list(self.embed_stream(proteins, tokens=tokens, precision=precision, progress=progress))

    def embed_stream(
        self,
        proteins: Iterable[Sequence],
        *,
        tokens: int = TOKENS,
        precision: Precision = "32",
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Embedding]:
        """Embed proteins one group after another, in the order given.

        Parameters
        ----------
        proteins
            Sequences, structures, or both.
        tokens
            Residues per batch, padding included; more is faster on a GPU and needs more memory.
        precision
            `bf16` for matrix products in bfloat16: faster where the processor has it, and cosines move by 0.0005 in the
            mean.
        progress
            Called with the number of proteins done.

        Raises
        ------
        ModelError
            If the model has no tower for a protein.
        """
        done = 0
        for group in _groups(proteins):
            embedded: dict[int, Embedding] = {}
            for kind in ("sequence", "structure"):
                places = [
                    i for i, protein in enumerate(group) if isinstance(protein, Structure) == (kind == "structure")
                ]
                if not places:
                    continue
                tower = self._tower(kind, group[places[0]])
                half = torch.autocast(tower.device.type, torch.bfloat16, enabled=precision == "bf16")
                with torch.inference_mode(), half:
                    inputs = [tower.front.inputs(group[i]) for i in places]
                    residue, protein_vectors = tower(inputs, tokens=tokens)
                for i, own, whole in zip(places, residue, protein_vectors, strict=True):
                    embedded[i] = Embedding(
                        group[i],
                        protein=whole.float().cpu().numpy(),
                        residue=own.float().cpu().numpy(),
                        model=self.id,
                    )
            yield from (embedded[i] for i in range(len(group)))
            done += len(group)
            if progress:
                progress(done)

    def compare(self, query: Sequence | Embedding, target: Sequence | Embedding, *, exact: bool = False) -> Comparison:
        """Compare two proteins: scores of both sides, probability of the same fold, alignment and local score.

        Parameters
        ----------
        query, target
            Sequences, structures, or embeddings of this model.
        exact
            Superpose with TM-align too; both must be structures.

        Raises
        ------
        InputError
            If an embedding is of another model, or `exact` is asked for without two structures.

        Examples
        --------
        >>> from foldglass import Sequence, load
        >>> toy = Sequence("toy", "MKVLAAGIVGLLAAPE")
        >>> round(load().compare(toy, toy).tm_query, 3)
        1.0
        """
        sides = [side if isinstance(side, Embedding) else self.embed([side])[0] for side in (query, target)]
        return self.score(sides[0], sides[1], exact=exact)

    def score(
        self,
        query: Embedding,
        target: Embedding,
        *,
        align: bool = True,
        alignment: AlignedPairs | None = None,
        exact: bool = False,
    ) -> Comparison:
        """`compare` for embeddings; without `align` the alignment is empty and the local score NaN.

        An `alignment` that is known already is kept; without one the residue vectors are aligned.
        """
        if alignment is None:
            return next(self.score_many([(query, target)], align=align, exact=exact))
        self._check_own(query, target)
        return self._comparison(query, target, alignment, exact=exact)

    def score_many(
        self, pairs: Iterable[tuple[Embedding, Embedding]], *, align: bool = True, exact: bool = False
    ) -> Iterator[Comparison]:
        """`score` for many pairs, some of them aligned at once, which takes a tenth of the time."""
        for group in _some_at_once(pairs, _PAIRS_AT_ONCE if align else 1):
            self._check_own(*(side for pair in group for side in pair))
            alignments: list[AlignedPairs] = [np.zeros((0, 2), dtype=np.int64)] * len(group)
            if align:
                alignments = align_batch([pair_similarity(a, b) for a, b in group])
            for (query, target), alignment in zip(group, alignments, strict=True):
                yield self._comparison(query, target, alignment, exact=exact)

    def _check_own(self, *embeddings: Embedding) -> None:
        for one in embeddings:
            if one.model != self.id:
                raise InputError(
                    f"embedding of {one.id!r}", got=f"vectors of {one.model}", expected=self.id, remedy="embed it again"
                )

    def _comparison(self, query: Embedding, target: Embedding, alignment: AlignedPairs, *, exact: bool) -> Comparison:
        kinds = kinds_of(query.kind, target.kind)
        cosine = np.array([query.protein @ target.protein])
        tm = self.calibration.tm(cosine, kinds=kinds)
        tm_query, tm_target = self.calibration.sides(tm, np.array([float(len(query))]), np.array([float(len(target))]))
        local = np.full(len(query), np.nan)
        rows, columns = alignment.T
        local[rows] = self.calibration.local(query.residue[rows], target.residue[columns], kinds=kinds)
        return Comparison(
            query=query.entity,
            target=target.entity,
            cosine=float(cosine[0]),
            tm=float(tm[0]),
            tm_query=float(tm_query[0]),
            tm_target=float(tm_target[0]),
            p_same_fold=float(self.calibration.p_same_fold(cosine, kinds=kinds)[0]),
            alignment=alignment,
            lddt=local,
            exact=_superposition(query.entity, target.entity) if exact else None,
            model=self.id,
        )

    def _tower(self, kind: str, protein: Sequence) -> Tower:
        if kind not in self.towers:
            raise ModelError(
                f"model {self.id}",
                got=f"the {kind} {protein.id!r}",
                expected=f"a {' or '.join(self.towers)}: it has no {kind} tower",
            )
        return self.towers[kind]


def _superposition(query: Sequence, target: Sequence) -> Superposition:
    if isinstance(query, Structure) and isinstance(target, Structure):
        return tm_align(query, target)
    sequence = target if isinstance(query, Structure) else query
    raise InputError(
        f"exact comparison with {sequence.id!r}", got="a sequence", expected="two structures", remedy="leave out exact"
    )


def _groups(proteins: Iterable[Sequence]) -> Iterator[list[Sequence]]:
    """Consecutive proteins, as many as are embedded before any is handed out."""
    group: list[Sequence] = []
    residues = 0
    for protein in proteins:
        group.append(protein)
        residues += len(protein)
        if len(group) == _PROTEINS_AT_ONCE or residues >= _RESIDUES_AT_ONCE:
            yield group
            group, residues = [], 0
    if group:
        yield group


def _some_at_once(
    pairs: Iterable[tuple[Embedding, Embedding]], size: int
) -> Iterator[list[tuple[Embedding, Embedding]]]:
    waiting = iter(pairs)
    while group := list(islice(waiting, size)):
        yield group
