"""Hits as a list that other programs can take over."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foldglass.errors import MissingExtraError
from foldglass.search.exact import Hit

if TYPE_CHECKING:
    import polars


class Hits(list[Hit]):
    """The hits of all queries, those of the first query first.

    Examples
    --------
    >>> hit = Hit("q", "t", 0.5, 0.6, 0.9, float("nan"), 1, 0.8, 0.55, 3)
    >>> Hits([hit]).to_arrow().column_names[:4]
    ['query', 'target', 'tm_query', 'tm_target']
    """

    def to_arrow(self) -> pa.Table:
        """One row per hit, with the fields of `Hit` as columns."""
        types: dict[object, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64()}
        return pa.table({f.name: pa.array([getattr(hit, f.name) for hit in self], types[f.type]) for f in fields(Hit)})

    def to_polars(self) -> "polars.DataFrame":
        """As `to_arrow`, for Polars.

        Raises
        ------
        MissingExtraError
            If Polars is not installed.
        """
        return as_polars(self.to_arrow())


def as_polars(table: pa.Table) -> Any:
    """An Arrow table as a Polars one."""
    try:
        import polars
    except ModuleNotFoundError as error:
        raise MissingExtraError("to_polars", package="polars", extra="train") from error
    return polars.from_arrow(table)
