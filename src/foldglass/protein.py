"""The nouns of the package: sequences, structures, embeddings and comparisons.

All are frozen and validated once, when made; everything downstream may trust them.
"""

from dataclasses import dataclass, field

import numpy as np

from foldglass.constants import EXTENDED_LETTERS
from foldglass.errors import InputError
from foldglass.typing import (
    AlignedPairs,
    Coordinates,
    KeptPairVectors,
    PairVectors,
    ProteinVector,
    ResidueScores,
    ResidueVectors,
)


@dataclass(frozen=True, eq=False, repr=False)
class Sequence:
    """A protein known by its residues.

    Parameters
    ----------
    id : str
        What people call it: the first word of a FASTA header, or file stem and chain.
    letters : str
        One upper-case letter per residue, from `constants.EXTENDED_LETTERS`; at least one.
    source : str
        Where it came from (a path or an accession), for messages.

    Raises
    ------
    InputError
        If there is no residue or a letter outside the alphabet.

    Examples
    --------
    >>> Sequence("toy", "MKV")
    Sequence('toy', 3 residues)
    """

    id: str
    letters: str
    source: str = ""

    def __post_init__(self) -> None:
        subject = f"{self.source}, record {self.id!r}" if self.source else f"record {self.id!r}"
        if not self.letters:
            raise InputError(subject, got="no residue", expected="at least one")
        wrong = next((i for i, c in enumerate(self.letters) if c not in EXTENDED_LETTERS), None)
        if wrong is not None:
            raise InputError(
                subject,
                got=f"{self.letters[wrong]!r} at position {wrong + 1}",
                expected=f"one of {EXTENDED_LETTERS}",
                remedy="correct or remove the record",
            )

    def __len__(self) -> int:
        return len(self.letters)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r}, {len(self)} residues)"

    @property
    def labels(self) -> tuple[str, ...]:
        """Residue numbers as people write them: 1-based position for a sequence."""
        return tuple(str(i + 1) for i in range(len(self)))


@dataclass(frozen=True, eq=False)
class Atoms:
    """All heavy atoms of a structure's residues, for scores that need more than C-alpha.

    `coords` in angstrom; `residue` is the 0-based index of each atom's residue in the structure.
    """

    names: tuple[str, ...]
    coords: Coordinates
    residue: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.coords) == len(self.residue):
            raise InputError(
                "atoms",
                got=f"{len(self.names)} names, {len(self.coords)} coordinates, {len(self.residue)} residue indices",
                expected="equal numbers",
            )


@dataclass(frozen=True, eq=False, repr=False)
class Structure(Sequence):
    """A protein chain known by its C-alpha trace (and, where given, all atoms).

    Parameters
    ----------
    ca : Float32[L, 3]
        C-alpha coordinates in angstrom, one per letter, all finite.
    numbering : tuple of str
        The author's residue numbers with insertion code ("45", "45A"); empty means 1, 2, 3, ...
    chain : str
        The author's chain id.
    atoms : Atoms or None
        Heavy atoms, if the source has more than C-alphas.

    Raises
    ------
    InputError
        If coordinates and letters differ in number or a coordinate is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> Structure("toy", "AG", ca=np.zeros((2, 3), np.float32))
    Structure('toy', 2 residues)
    """

    ca: Coordinates = field(kw_only=True)
    numbering: tuple[str, ...] = field(default=(), kw_only=True)
    chain: str = field(default="", kw_only=True)
    atoms: Atoms | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.ca) != len(self):
            raise InputError(
                f"structure {self.id!r}", got=f"{len(self.ca)} C-alphas for {len(self)} residues", expected="one each"
            )
        if self.numbering and len(self.numbering) != len(self):
            raise InputError(
                f"structure {self.id!r}",
                got=f"{len(self.numbering)} residue numbers for {len(self)} residues",
                expected="one each or none",
            )
        bad = np.flatnonzero(~np.isfinite(self.ca).all(axis=1))
        if len(bad):
            raise InputError(
                f"structure {self.id!r}",
                got=f"a coordinate that is not finite at residue {self.labels[bad[0]]}",
                expected="finite coordinates",
                remedy="remove the residue or repair the file",
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """The author's residue numbers, or 1-based positions where the source gives none."""
        return self.numbering or super().labels


@dataclass(frozen=True, eq=False, repr=False)
class Embedding:
    """Vectors of one protein.

    Those of a Siamese model (`Model`) are of unit length, and their cosines mean something: of two protein vectors a
    TM-score, of two aligned residues lDDT. Those of a score network (`ScoreModel`) are standardised channels of any
    length, meant as input of other models. They belong to one noise level, which is written into the metadata of a
    file (`foldglass.sigma`): vectors of different levels cannot be compared.

    Parameters
    ----------
    entity : Sequence
        The protein (a `Structure` if coordinates made the vectors).
    protein : Float32[D]
        One vector for the whole fold.
    residue : Float32[L, D]
        One vector per residue.
    pair : Float32[L, L, P], Float32[M, P] or None
        One vector per residue pair, where a score network gives them: of all pairs, or of those in `pair_index`.
        The vector of (j, i) is that of (i, j).
    model : str
        Name and short hash of the model; vectors of different models cannot be compared.
    pair_index : Int[M, 2] or None
        0-based residues (i, j), i < j, of the pairs that were kept; None if `pair` holds all or is None.

    Raises
    ------
    InputError
        If the number of vectors is not that of the residues or of the pairs.
    """

    entity: Sequence
    protein: ProteinVector
    residue: ResidueVectors
    pair: PairVectors | KeptPairVectors | None = None
    model: str = ""
    pair_index: AlignedPairs | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if len(self.residue) != len(self.entity):
            raise InputError(
                f"embedding of {self.id!r}",
                got=f"{len(self.residue)} residue vectors for {len(self.entity)} residues",
                expected="one each",
            )
        if self.pair is None and self.pair_index is None:
            return
        length = len(self.entity)
        wanted = (length, length) if self.pair_index is None else (len(self.pair_index),)
        found = () if self.pair is None else self.pair.shape[:-1]
        if found != wanted:
            raise InputError(
                f"embedding of {self.id!r}",
                got=f"{' x '.join(map(str, found)) or 'no'} pair vectors",
                expected=f"{' x '.join(map(str, wanted))}: of all pairs, or of those in pair_index",
            )

    @property
    def id(self) -> str:
        """The protein's id."""
        return self.entity.id

    @property
    def kind(self) -> str:
        """`structure` or `sequence`: which tower made the vectors."""
        return "structure" if isinstance(self.entity, Structure) else "sequence"

    def __len__(self) -> int:
        return len(self.entity)

    def __repr__(self) -> str:
        return f"Embedding({self.id!r}, {len(self)} residues, {len(self.protein)}-d, from {self.kind})"

    def _repr_html_(self) -> str:
        from foldglass.views.html import embedding_html

        return embedding_html(self)


@dataclass(frozen=True, eq=False)
class Superposition:
    """TM-align's answer for two structures: the measured counterpart of a `Comparison`.

    `tm_query`/`tm_target` are normalised by the query's and target's length; `alignment` holds 0-based
    (query, target) residue pairs; `lddt` and `lddt_glass` belong to the query's residues and are NaN where
    unaligned; `rmsd` in angstrom over the aligned residues; `seq_identity` is a fraction of them.
    """

    tm_query: float
    tm_target: float
    rmsd: float
    seq_identity: float
    alignment: AlignedPairs
    lddt: ResidueScores
    lddt_glass: ResidueScores


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What the model says about a (query, target) pair.

    Parameters
    ----------
    query, target : Sequence
        The proteins.
    cosine : float
        Cosine of the two protein vectors, symmetric.
    tm : float
        Predicted symmetric TM-score, sqrt(tm_query * tm_target).
    tm_query, tm_target : float
        Predicted TM-score normalised by the query's and by the target's length.
    p_same_fold : float
        Calibrated probability that the TM-score is above 0.5.
    alignment : Int[M, 2]
        0-based (query, target) residue pairs from the residue vectors, increasing in both columns.
    lddt : Float[L]
        Predicted local score of each query residue (`glass` lDDT), NaN where unaligned.
    exact : Superposition or None
        TM-align's result, where it was asked for and both proteins are structures.
    model : str
        Name and short hash of the model.
    """

    query: Sequence
    target: Sequence
    cosine: float
    tm: float
    tm_query: float
    tm_target: float
    p_same_fold: float
    alignment: AlignedPairs
    lddt: ResidueScores
    exact: Superposition | None = None
    model: str = ""

    @property
    def mean_lddt(self) -> float:
        """Mean local score over the aligned query residues, NaN if none is aligned."""
        aligned = self.lddt[~np.isnan(self.lddt)]
        return float(aligned.mean()) if len(aligned) else float("nan")

    @property
    def seq_identity(self) -> float:
        """Identical residues among the aligned ones, NaN if none is aligned."""
        if not len(self.alignment):
            return float("nan")
        same = [self.query.letters[i] == self.target.letters[j] for i, j in self.alignment]
        return float(np.mean(same))

    def __repr__(self) -> str:
        scores = f"tm_query={self.tm_query:.3f}, tm_target={self.tm_target:.3f}, p_same_fold={self.p_same_fold:.3f}"
        return f"Comparison({self.query.id!r}, {self.target.id!r}, {scores}, {len(self.alignment)} aligned)"

    def __str__(self) -> str:
        from foldglass.views.text import comparison_text

        return comparison_text(self)

    def _repr_html_(self) -> str:
        from foldglass.views.html import comparison_html

        return comparison_html(self)
