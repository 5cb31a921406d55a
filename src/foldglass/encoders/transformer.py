"""Runs a pretrained transformer over proteins: windows, batches, precision and the removal of special tokens."""

import warnings

import torch
from jaxtyping import Float

from foldglass.encoders.alphabet import Alphabet
from foldglass.encoders.windows import merge, split
from foldglass.errors import ModelError, UsageError
from foldglass.protein import Sequence

PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class PrecisionWarning(UserWarning):
    """Half precision failed and float32 took its place."""


def pick_precision(precision: str, device: torch.device) -> torch.dtype:
    """The number format of the weights; `auto` is float16 on CUDA and float32 elsewhere.

    Raises
    ------
    UsageError
        If the name is unknown, or float16 is asked for on the CPU.

    Examples
    --------
    >>> pick_precision("auto", torch.device("cpu"))
    torch.float32
    """
    if precision == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    if precision not in PRECISIONS:
        raise UsageError(f"precision {precision!r}", got="an unknown name", expected=f"auto, {', '.join(PRECISIONS)}")
    if precision == "float16" and device.type == "cpu":
        raise UsageError("precision 'float16'", got="the CPU", expected="a GPU", remedy="use bfloat16 or float32")
    return PRECISIONS[precision]


class TransformerEncoder:
    """A pretrained protein language model as a `ResidueEncoder`.

    Parameters
    ----------
    network
        A `transformers` encoder in evaluation mode, already on its device.
    alphabet
        Its tokens.
    id, revision
        What `ResidueEncoder` says.
    window
        Most residues read at once; a longer chain is read in windows that share a quarter of their length.
    batch_tokens
        Most tokens in one batch, padding included; a single longer chain is a batch of its own.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        alphabet: Alphabet,
        *,
        id: str,
        revision: str,
        window: int,
        batch_tokens: int = 4096,
    ) -> None:
        self.id, self.revision, self.window, self.batch_tokens = id, revision, window, batch_tokens
        self.network, self.alphabet = network, alphabet
        self.dim = int(network.config.hidden_size)  # type: ignore[union-attr, arg-type]

    def encode(self, proteins: list[Sequence]) -> list[Float[torch.Tensor, "L D"]]:
        """Residue vectors of each protein, as `ResidueEncoder.encode` says.

        Raises
        ------
        ModelError
            If a protein does not fit in the device's memory, or the network gives values that are not finite.
        """
        windows = [split(len(p), limit=self.window, overlap=self.window // 4) for p in proteins]
        jobs = [
            (number, protein.letters[start:stop])
            for number, protein in enumerate(proteins)
            for start, stop in windows[number]
        ]
        parts: list[torch.Tensor | None] = [None] * len(jobs)
        for batch in self._batches([len(letters) for _, letters in jobs]):
            vectors = self._run([jobs[i][1] for i in batch], [proteins[jobs[i][0]].id for i in batch])
            for i, vector in zip(batch, vectors, strict=True):
                parts[i] = vector
        by_protein: list[list[torch.Tensor]] = [[] for _ in proteins]
        for (number, _), part in zip(jobs, parts, strict=True):
            assert part is not None
            by_protein[number].append(part)
        return [merge(p, w, len(protein)) for p, w, protein in zip(by_protein, windows, proteins, strict=True)]

    def _batches(self, lengths: list[int]) -> list[list[int]]:
        """Indices, longest first, in batches whose padded size stays within the budget."""
        special = len(self.alphabet.begin) + len(self.alphabet.end)
        batches: list[list[int]] = []
        room = 0
        for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
            if room < 1:
                batches.append([])
                room = max(1, self.batch_tokens // (lengths[i] + special))
            batches[-1].append(i)
            room -= 1
        return batches

    def _run(self, letters: list[str], names: list[str]) -> list[torch.Tensor]:
        """Vectors of one batch; halves it where memory is short, and leaves half precision where it overflows."""
        try:
            vectors = self._forward(letters)
        except torch.OutOfMemoryError as error:
            if len(letters) > 1:
                middle = len(letters) // 2
                return self._run(letters[:middle], names[:middle]) + self._run(letters[middle:], names[middle:])
            raise ModelError(
                f"protein {names[0]!r}",
                got=f"{len(letters[0])} residues at once do not fit in the memory of the device",
                remedy=f"give a window smaller than {self.window} residues, or use the CPU",
            ) from error
        broken = [name for name, vector in zip(names, vectors, strict=True) if not vector.isfinite().all()]
        if not broken:
            return vectors
        if not self._is_half:
            raise ModelError(
                f"protein {broken[0]!r}", got=f"{self.id} gives values that are not finite", remedy="check its weights"
            )
        warnings.warn(
            f"{self.id}: half precision overflowed on {broken[0]!r}; going on in float32",
            PrecisionWarning,
            stacklevel=4,
        )
        self.network.float()
        return self._run(letters, names)

    @property
    def _is_half(self) -> bool:
        # T5 keeps some layers in float32 even in half precision, so every weight is asked.
        return any(weight.dtype != torch.float32 for weight in self.network.parameters())

    @torch.no_grad()
    def _forward(self, letters: list[str]) -> list[torch.Tensor]:
        rows = [self.alphabet.tokens(chain) for chain in letters]
        widest = max(len(row) for row in rows)
        device = next(self.network.parameters()).device
        tokens = torch.tensor([row + [self.alphabet.pad] * (widest - len(row)) for row in rows], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (widest - len(row)) for row in rows], device=device)
        hidden = self.network(input_ids=tokens, attention_mask=mask).last_hidden_state.float().cpu()
        first = len(self.alphabet.begin)
        return [hidden[i, first : first + len(chain)].clone() for i, chain in enumerate(letters)]
