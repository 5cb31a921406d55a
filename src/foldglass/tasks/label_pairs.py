"""Lists of pairs to label."""

from pathlib import Path

from foldglass.errors import InputError, NotFoundError
from foldglass.protein import Structure
from foldglass.typing import PathLike


def read_pairs(path: PathLike, structures: list[Structure]) -> list[tuple[int, int]]:
    """Read a pair list: tab-separated, query and target first, as ids or as paths of files with one chain.

    A first line that begins with `query` and `target` is a header; empty lines and further columns are
    ignored.

    Raises
    ------
    NotFoundError
        If the file does not exist or names something that is not among the structures.
    InputError
        If a line has fewer than two columns or a path holds several chains.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> chains = [Structure(name, "A", ca=np.zeros((1, 3))) for name in "ab"]
    >>> path = Path(tempfile.mkdtemp()) / "pairs.tsv"
    >>> _ = path.write_text("query\\ttarget\\nb\\ta\\n")
    >>> read_pairs(path, chains)
    [(1, 0)]
    """
    indices: dict[str, list[int]] = {}
    for k, structure in enumerate(structures):
        for name in {structure.id, structure.source, Path(structure.source).name} - {""}:
            indices.setdefault(name, []).append(k)
        indices[structure.id] = [k]
    try:
        lines = Path(path).read_text().splitlines()
    except FileNotFoundError:
        raise NotFoundError(str(path), got="no such file", expected="a pair list") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            str(path), got=f"cannot be read ({getattr(error, 'strerror', error)})", expected="tab-separated text"
        ) from error
    pairs = []
    for number, line in enumerate(lines, start=1):
        fields = [field.strip() for field in line.split("\t")]
        if fields == [""] or (number == 1 and fields[:2] == ["query", "target"]):
            continue
        subject = f"{path}, line {number}"
        if len(fields) < 2:
            raise InputError(subject, got=f"{line!r}", expected="query and target with a tab between them")
        query, target = (_index(name, indices, subject) for name in fields[:2])
        pairs.append((query, target))
    return pairs


def _index(name: str, indices: dict[str, list[int]], subject: str) -> int:
    found = indices.get(name, [])
    if not found:
        raise NotFoundError(subject, got=f"{name!r} is not in the input", expected="an id or path of a structure")
    if len(found) > 1:
        raise InputError(subject, got=f"{name!r} holds {len(found)} chains", expected="one", remedy="give a chain's id")
    return found[0]
