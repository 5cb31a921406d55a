"""Changes of a protein's residues, written as people write them.

The notation is that of HGVS for proteins (den Dunnen et al. 2016, varnomen.hgvs.org), with one-letter or three-letter
residues and with or without `p.`:

    A123G           substitution
    K45del          deletion of a residue, K45_L47del of a stretch
    M1_K2insG       insertion between two residues
    K45delinsGG     replacement by any number of residues, also K45_L47delinsG

Several changes of one protein are joined by `+` or `:`; several proteins are separated by commas or line breaks.
Numbers are the author's where a structure gives them, insertion codes included (A52BG: alanine 52B to glycine), else
1-based positions. The residues that are named must be there.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Int

from foldglass.constants import AMINO_ACIDS
from foldglass.errors import InputError
from foldglass.protein import Sequence
from foldglass.typing import AlignedPairs

_CODES = "AlaCysAspGluPheGlyHisIleLysLeuMetAsnProGlnArgSerThrValTrpTyrAsxXleGlxPylSecXaa"
_THREE = {one: _CODES[3 * k : 3 * k + 3] for k, one in enumerate(AMINO_ACIDS + "BJZOUX")}
_ONE = {three.upper(): one for one, three in _THREE.items()}
_PATTERNS = {
    width: re.compile(
        rf"(?P<first>{residue})(?P<number>-?\d+)(?P<code>[A-Z]?)"
        rf"(?:_(?P<last>{residue})(?P<last_number>-?\d+)(?P<last_code>[A-Z]?))?"
        rf"(?:(?P<what>delins|del|ins)(?P<new>(?:{residue})*)|(?P<to>(?:{residue})+))"
    )
    for width, residue in ((1, "[A-Z]"), (3, "[A-Z][A-Za-z]{2}"))
}
_EXPECTED = "such as A123G, p.Ala123Gly, K45del, K45_L47del, M1_K2insG or K45delinsGG"
_SHOWN = 3
"""Neighbours on either side in a message."""


@dataclass(frozen=True, order=True)
class Change:
    """`letters` in the place of the residues from `start` up to `stop`, 0-based; equal bounds insert before `start`."""

    start: int
    stop: int
    letters: str

    @property
    def is_substitution(self) -> bool:
        """Whether it exchanges one residue for one other."""
        return self.stop - self.start == len(self.letters) == 1


@dataclass(frozen=True)
class Variant:
    """A protein that differs from another, the wild type, by some changes.

    Parameters
    ----------
    changes
        In the order of the chain; no two replace the same residue or fill the same gap.
    name
        The changes in one-letter notation with the wild type's residue numbers.

    Examples
    --------
    >>> wild = Sequence("toy", "MKVLA")
    >>> variant, = parse_variants("K2del+A5G", wild)
    >>> variant.name, variant.apply(wild).letters
    ('K2del+A5G', 'MVLG')
    """

    changes: tuple[Change, ...]
    name: str

    @property
    def is_substitution(self) -> bool:
        """Whether a single residue is exchanged."""
        return len(self.changes) == 1 and self.changes[0].is_substitution

    def apply(self, wild: Sequence) -> Sequence:
        """The variant's sequence, called `wild type's id:name`."""
        parts, last = [], 0
        for change in self.changes:
            parts += [wild.letters[last : change.start], change.letters]
            last = change.stop
        return Sequence(f"{wild.id}:{self.name}", "".join([*parts, wild.letters[last:]]), wild.source)

    def sites(self, length: int) -> Bool[np.ndarray, " L"]:
        """Which of the wild type's residues are replaced or deleted, or stand next to an insertion.

        Examples
        --------
        >>> parse_variants("K2_V3insG", Sequence("toy", "MKVLA"))[0].sites(5).tolist()
        [False, True, True, False, False]
        """
        at = np.zeros(length, bool)
        for change in self.changes:
            if change.start == change.stop:
                at[max(0, change.start - 1) : change.stop + 1] = True
            else:
                at[change.start : change.stop] = True
        return at


def parse_variants(text: str, wild: Sequence) -> list[Variant]:
    """Read a list of variants.

    `P10_L12insGG`, an insertion between residues that are not neighbours, puts the new ones in the place of what lies
    between: it is the same as `X11delinsGG`, which is how the variant is then named.

    Parameters
    ----------
    text
        Variants, separated by commas or white space; from `#` to the end of a line is a remark.
    wild
        The protein that is changed.

    Raises
    ------
    InputError
        If the notation is not understood, a residue is not there or is another than stated, nothing would be changed,
        two changes of a variant touch each other, or nothing would be left.

    Examples
    --------
    >>> [v.name for v in parse_variants("p.Lys2Gly, V3_L4del:M1A", Sequence("toy", "MKVLA"))]
    ['K2G', 'M1A+V3_L4del']
    >>> parse_variants("K3A", Sequence("toy", "MKVLA"))
    Traceback (most recent call last):
        ...
    foldglass.errors.InputError: mutation 'K3A' of 'toy': residue 3 is V (M1 K2 [V3] L4 A5); expected K
    """
    variants = [_variant(word, wild) for word in _words(text)]
    if not variants:
        raise InputError("mutations", got="none", expected=_EXPECTED)
    return variants


def looks_like_variants(text: str) -> bool:
    """Whether the first word that is no remark has the form of a mutation, right or wrong.

    Examples
    --------
    >>> looks_like_variants("A123G, K45del"), looks_like_variants("P69905"), looks_like_variants(">a")
    (True, False, False)
    """
    first = next(iter(_words(text)), "")
    part = re.split(r"[+:]", first)[0].removeprefix("p.").strip("()")
    return any(pattern.fullmatch(part) for pattern in _PATTERNS.values())


def substitutions(wild: Sequence, positions: Iterable[int]) -> Iterator[Variant]:
    """All single substitutions by the other standard residues at the 0-based positions, in the order of the alphabet.

    Examples
    --------
    >>> len(list(substitutions(Sequence("toy", "MK"), range(2))))
    38
    """
    for i in positions:
        for letter in AMINO_ACIDS:
            if letter != wild.letters[i]:
                yield named(wild, [Change(i, i + 1, letter)])


def named(wild: Sequence, changes: Iterable[Change]) -> Variant:
    """A variant of these changes, put in order and named.

    Raises
    ------
    InputError
        If two changes touch each other, or no residue would be left.
    """
    ordered = tuple(sorted(_inside(change, wild) for change in changes))
    name = "+".join(_name(change, wild) for change in ordered)
    for one, other in pairwise(ordered):
        if other.start < one.stop or one.start == other.start == other.stop:
            raise InputError(
                f"variant {name!r} of {wild.id!r}", got="two changes at one place", remedy="write them as one delins"
            )
    variant = Variant(ordered, name)
    if len(wild) + sum(len(c.letters) - (c.stop - c.start) for c in ordered) < 1:
        raise InputError(f"variant {name!r} of {wild.id!r}", got="no residue left", expected="at least one")
    return variant


def between(wild: Sequence, mutant: Sequence, pairs: AlignedPairs) -> Variant:
    """The changes that turn one sequence into the other, given which residues correspond.

    Parameters
    ----------
    pairs
        0-based (wild type, mutant) residues, increasing in both columns.

    Raises
    ------
    InputError
        If the sequences are the same.

    Examples
    --------
    >>> import numpy as np
    >>> between(Sequence("a", "MKVLA"), Sequence("b", "MVGA"), np.array([[0, 0], [2, 1], [3, 2], [4, 3]])).name
    'K2del+L4G'
    """
    changes: list[Change] = []
    ends = np.array([[len(wild), len(mutant)]])
    last_wild = last_mutant = 0
    for i, j in np.concatenate([pairs, ends]).tolist():
        if i > last_wild or j > last_mutant:
            changes.append(Change(last_wild, i, mutant.letters[last_mutant:j]))
        last_wild, last_mutant = i + 1, j + 1
        if i < len(wild) and wild.letters[i] != mutant.letters[j]:
            changes.append(Change(i, i + 1, mutant.letters[j]))
    if not changes:
        raise InputError(f"{mutant.id!r}", got=f"the sequence of {wild.id!r}", expected="a variant of it")
    return named(wild, _joined(changes))


def parse_region(text: str, wild: Sequence) -> Int[np.ndarray, " R"]:
    """0-based residues of a region such as `10-25`, several separated by commas, in the numbering of the protein.

    Raises
    ------
    InputError
        If it is not understood, a residue is not there or the bounds are in the wrong order.

    Examples
    --------
    >>> parse_region("2-3,5", Sequence("toy", "MKVLA")).tolist()
    [1, 2, 4]
    """
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(-?\d+[A-Z]?)(?:\s*-\s*(-?\d+[A-Z]?))?\s*", part)
        if not match:
            raise InputError(f"region {part!r}", got="not understood", expected="such as 10-25 or 10-25,40")
        first, last = (
            _place(label, wild, f"region {part!r} of {wild.id!r}") for label in (match[1], match[2] or match[1])
        )
        if first > last:
            raise InputError(f"region {part!r}", got="its end before its begin", expected="such as 10-25")
        found.update(range(first, last + 1))
    return np.array(sorted(found))


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", re.sub(r"#.*", "", text)) if word]


def _variant(word: str, wild: Sequence) -> Variant:
    text = word.removeprefix("p.")
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    return named(wild, [_change(part.removeprefix("p."), wild) for part in re.split(r"[+:]", text)])


def _change(text: str, wild: Sequence) -> Change:
    subject = f"mutation {text!r} of {wild.id!r}"
    match = next((m for pattern in _PATTERNS.values() if (m := pattern.fullmatch(text))), None)
    if match is None:
        raise InputError(subject, got="not understood", expected=_EXPECTED)
    width = 3 if len(match["first"]) == 3 else 1
    written = match["new"] or match["to"] or ""
    new = "".join(_letter(written[k : k + width], subject) for k in range(0, len(written), width))
    _check_form(match, new, subject)
    start = _residue(match["first"], match["number"] + match["code"], wild, subject)
    stop = start + 1
    if match["last"]:
        stop = _residue(match["last"], match["last_number"] + match["last_code"], wild, subject) + 1
        if stop < start + 2:
            raise InputError(subject, got="its end before its begin", expected="two residues in the order of the chain")
    if match["what"] == "ins":
        start, stop = start + 1, stop - 1
    if wild.letters[start:stop] == new:
        raise InputError(subject, got="no change", expected="other residues than the wild type's")
    return Change(start, stop, new)


def _check_form(match: re.Match[str], new: str, subject: str) -> None:
    what = match["what"]
    if what == "ins" and not match["last"]:
        got = "an insertion at one residue"
        remedy = "name the residues on both sides, such as M1_K2insG"
    elif what in ("ins", "delins") and not new:
        got, remedy = "nothing to insert", "name the new residues"
    elif what == "del" and new:
        got, remedy = "residues after del", "for a replacement write delins"
    elif not what and (match["last"] or len(new) != 1):
        got, remedy = "no single new residue", "for several write delins"
    elif set(new) - set(AMINO_ACIDS):
        got, remedy = f"a new residue {min(set(new) - set(AMINO_ACIDS))}", "name one of the twenty standard residues"
    else:
        return
    raise InputError(subject, got=got, expected=_EXPECTED, remedy=remedy)


def _letter(text: str, subject: str) -> str:
    if len(text) == 1:
        return text
    if text.upper() not in _ONE:
        raise InputError(subject, got=f"the residue {text!r}", expected="a one-letter or three-letter code")
    return _ONE[text.upper()]


def _residue(stated: str, label: str, wild: Sequence, subject: str) -> int:
    letter = _letter(stated, subject)
    place = _place(label, wild, subject)
    if wild.letters[place] != letter:
        raise InputError(
            subject,
            got=f"residue {label} is {wild.letters[place]} ({_neighbours(place, wild)})",
            expected=letter,
        )
    return place


def _place(label: str, wild: Sequence, subject: str) -> int:
    labels = wild.labels
    count = labels.count(label)
    if count == 1:
        return labels.index(label)
    if count:
        raise InputError(subject, got=f"{count} residues numbered {label}", expected="one")
    raise InputError(
        subject, got=f"no residue {label}", expected=f"{labels[0]} to {labels[-1]}", remedy=_near(label, wild)
    )


def _near(label: str, wild: Sequence) -> str:
    """What is there around a number that is missing within the chain."""
    wanted = int(re.sub(r"[A-Z]", "", label))
    numbers = [int(re.sub(r"[^-\d]", "", own)) for own in wild.labels]
    place = int(np.argmin([abs(number - wanted) for number in numbers]))
    return f"the nearest: {_neighbours(place, wild)}"


def _neighbours(place: int, wild: Sequence) -> str:
    shown = range(max(0, place - _SHOWN), min(len(wild), place + _SHOWN + 1))
    texts = [f"{wild.letters[i]}{wild.labels[i]}" for i in shown]
    return " ".join(f"[{text}]" if i == place else text for i, text in zip(shown, texts, strict=True))


def _name(change: Change, wild: Sequence) -> str:
    def at(i: int) -> str:
        return f"{wild.letters[i]}{wild.labels[i]}"

    if change.is_substitution:
        return at(change.start) + change.letters
    if change.start == change.stop:
        return f"{at(change.start - 1)}_{at(change.start)}ins{change.letters}"
    where = at(change.start) + (f"_{at(change.stop - 1)}" if change.stop - change.start > 1 else "")
    return f"{where}{'delins' if change.letters else 'del'}{change.letters}"


def _inside(change: Change, wild: Sequence) -> Change:
    """An insertion before the first or after the last residue as a replacement of it: the notation has no other."""
    if change.start == change.stop == 0:
        return Change(0, 1, change.letters + wild.letters[0])
    if change.start == change.stop == len(wild):
        return Change(len(wild) - 1, len(wild), wild.letters[-1] + change.letters)
    return change


def _joined(changes: list[Change]) -> list[Change]:
    """Neighbouring changes as one, unless both are substitutions."""
    joined: list[Change] = []
    for change in changes:
        last = joined[-1] if joined else None
        if last and last.stop == change.start and not (last.is_substitution and change.is_substitution):
            joined[-1] = replace(last, stop=change.stop, letters=last.letters + change.letters)
        else:
            joined.append(change)
    return joined
