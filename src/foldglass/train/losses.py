"""Losses of the Siamese objective, as pure functions of tensors."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor


def glass_loss(
    cosine: Float[Tensor, " M"],
    tm: Float[Tensor, " M"],
    local: list[tuple[Float[Tensor, " R"], Float[Tensor, " R"]] | None],
    *,
    alpha: float = 0.7,
    beta: float = 0.3,
    tm_local: float = 0.7,
    tm_min: float = 0.1,
) -> Float[Tensor, ""]:
    """The loss of GLASS over the pairs of a batch.

    A pair with TM below `tm_min` is ignored. From `tm_local` on it costs alpha * mean L1 of its aligned residues
    + beta * L1 of its TM-score; below, the L1 of its TM-score alone. The batch costs the mean over its pairs.

    Parameters
    ----------
    cosine, tm
        Predicted and true global score of each pair.
    local
        Per pair the cosines and true local scores of the aligned residues, or None where not known; used from
        `tm_local` on.

    References
    ----------
    GLASS (bioRxiv 2025.10.27.684815): alpha 0.7, beta 0.3, thresholds 0.7 and 0.1.

    Examples
    --------
    >>> pair = (torch.tensor([0.5, 0.7]), torch.tensor([0.6, 0.8]))
    >>> round(float(glass_loss(torch.tensor([0.6, 0.0]), torch.tensor([0.8, 0.05]), [pair, None])), 4)
    0.13
    """
    total = (cosine - tm).abs()
    use_local = tm >= tm_local
    combined = [
        alpha * (pair[0] - pair[1]).abs().mean() + beta * error if pair is not None and near else error
        for error, near, pair in zip(total, use_local.tolist(), local, strict=True)
    ]
    kept = torch.stack(combined)[tm >= tm_min]
    return kept.mean() if len(kept) else total.sum() * 0.0


def global_loss(
    cosine: Float[Tensor, "*pairs"], tm: Float[Tensor, "*pairs"], *, width: float = 0.1
) -> Float[Tensor, ""]:
    """Huber loss of the global score: L1 beyond `width`, smooth inside, so that the many exact pairs settle."""
    return F.huber_loss(cosine, tm, delta=width) / width


def local_loss(cosine: Float[Tensor, " R"], score: Float[Tensor, " R"]) -> Float[Tensor, ""]:
    """L1 between the cosine of aligned residues and their true local score."""
    return (cosine - score).abs().mean() if len(cosine) else cosine.sum()


def alignment_loss(
    query: Float[Tensor, "L D"],
    target: Float[Tensor, "K D"],
    aligned: Int[Tensor, "M 2"],
    *,
    temperature: float = 0.07,
) -> Float[Tensor, ""]:
    """Cross-entropy of finding each aligned residue's partner among all residues of the other protein, both ways.

    Noise-contrastive estimation (van den Oord et al. 2018) on the structural alignment: without it nothing keeps
    the vectors of residues that are not aligned apart, and no alignment can be read from them.
    """
    logits = query @ target.T / temperature
    i, j = aligned.unbind(dim=1)
    return (F.cross_entropy(logits[i], j) + F.cross_entropy(logits.T[j], i)) / 2


def agreement_loss(student: Float[Tensor, "... D"], teacher: Float[Tensor, "... D"]) -> Float[Tensor, ""]:
    """Mean of 1 - cosine between unit vectors that describe the same thing."""
    return 1.0 - (student * teacher).sum(-1).mean()


def relation_loss(
    student: Float[Tensor, "B D"], teacher: Float[Tensor, "B D"], off_diagonal: Bool[Tensor, "B B"]
) -> Float[Tensor, ""]:
    """The teacher's similarities of all pairs in the batch, asked of the student among itself and across."""
    truth = teacher @ teacher.T
    within, across = student @ student.T, student @ teacher.T
    return (global_loss(within[off_diagonal], truth[off_diagonal]) + global_loss(across, truth)) / 2
