"""Further columns of a database, from a TSV file and joined by id."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from foldglass.errors import InputError
from foldglass.io.opened import explained
from foldglass.search.database_format import OWN_COLUMNS
from foldglass.typing import PathLike


class Metadata:
    """The columns of a TSV file whose column `id` names the protein; types are found by reading all values.

    Raises
    ------
    InputError
        If the file cannot be read, has no column `id`, an id twice, or a column with a name of the database's own.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "more.tsv"
    >>> _ = path.write_text("id\\torganism\\tyear\\na\\tyeast\\t1996\\n")
    >>> Metadata(path).join(pa.table({"id": ["b", "a"]})).to_pydict()
    {'id': ['b', 'a'], 'organism': [None, 'yeast'], 'year': [None, 1996]}
    """

    def __init__(self, path: PathLike) -> None:
        with explained(path):
            try:
                table = csv.read_csv(
                    path,
                    parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
                    convert_options=csv.ConvertOptions(column_types={"id": pa.string()}, strings_can_be_null=True),
                )
            except pa.ArrowInvalid as error:
                raise InputError(str(path), got=f"no table ({error})", expected="a TSV file with a header") from error
        names = table.schema.names
        if "id" not in names:
            raise InputError(str(path), got=f"the columns {', '.join(names)}", expected="a column 'id'")
        own = sorted(set(names).intersection(OWN_COLUMNS) - {"id"})
        if own or len(set(names)) < len(names):
            what = f"the column {own[0]!r}, which the database has itself" if own else "a column twice"
            raise InputError(str(path), got=what, remedy="rename it")
        if pc.count_distinct(table["id"]).as_py() < len(table):
            raise InputError(str(path), got="an id twice", expected="every id once")
        texts = [pa.field(f.name, pa.string() if pa.types.is_null(f.type) else f.type) for f in table.schema]
        self._table = table.cast(pa.schema(texts)).combine_chunks()

    def join(self, rows: pa.Table) -> pa.Table:
        """The rows with the further columns, null where the file does not have their id."""
        places = pc.index_in(rows["id"], value_set=self._table["id"])
        for name in self._table.schema.names:
            if name != "id":
                rows = rows.append_column(name, self._table[name].take(places))
        return rows
