"""Residue letters to the tokens of a language model, checked once against its own tokenizer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from foldglass.constants import EXTENDED_LETTERS, UNKNOWN
from foldglass.errors import ModelError


@dataclass(frozen=True)
class Alphabet:
    """One token per residue, with the special tokens before and after a chain.

    Parameters
    ----------
    table
        Token of each ASCII code; -1 for what is no residue letter.
    begin, end
        Special tokens around a chain; their vectors are never handed out.
    pad
        Token that fills a batch.
    """

    table: Int[np.ndarray, " 128"]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    pad: int

    def tokens(self, letters: str) -> list[int]:
        """Tokens of a chain with its special tokens."""
        residues = self.table[np.frombuffer(letters.encode("ascii"), dtype=np.uint8)].tolist()
        return [*self.begin, *residues, *self.end]


def read_alphabet(
    tokenizer: Any,
    subject: str,
    *,
    piece: Callable[[str], str],
    text: Callable[[str], str],
    unknown: str,
    begin: tuple[int, ...] = (),
    end: tuple[int, ...] = (),
) -> Alphabet:
    """The tokens that a `transformers` tokenizer gives to residues.

    Parameters
    ----------
    piece
        Vocabulary entry of one letter.
    text
        How a chain is written for the tokenizer.
    unknown
        Letters that the model was not trained on and that are read as X.

    Raises
    ------
    ModelError
        If a residue has no token, or the tokenizer writes a chain differently from letter by letter.
    """
    letters = {letter: UNKNOWN if letter in unknown else letter for letter in EXTENDED_LETTERS}
    ids = {letter: tokenizer.convert_tokens_to_ids(piece(read_as)) for letter, read_as in letters.items()}
    lost = [letter for letter, token in ids.items() if token is None or token == tokenizer.unk_token_id]
    if lost:
        raise ModelError(
            subject,
            got=f"no token for the residues {', '.join(lost)}",
            expected="the vocabulary of a protein language model",
            remedy="check that the folder holds the tokenizer files of the model",
        )
    table = np.full(128, -1, dtype=np.int64)
    for letter, token in ids.items():
        table[ord(letter)] = token
    alphabet = Alphabet(table, begin, end, tokenizer.pad_token_id)
    sample = "".join(dict.fromkeys(letters.values()))
    if tokenizer(text(sample))["input_ids"] != alphabet.tokens(sample):
        raise ModelError(
            subject,
            got="a tokenizer that does not give one token per residue",
            expected="the tokenizer the model was trained with",
        )
    return alphabet
