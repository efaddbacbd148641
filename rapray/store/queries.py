"""Reads the named SQL queries of `rapray/store/sql/`.

Knows nothing of what they do: each file belongs to the module of the same name.

A query starts at `-- name: its_name`, the comment line after it says what it is for. Values are `%(name)s`
parameters; `{name}` stands only where an identifier or a type has to be filled in with `.format(...)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import LiteralString, cast

from psycopg import sql

_START = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(name: str) -> Mapping[str, sql.SQL]:
    """The queries of `sql/<name>.sql` by their names.

    Raises:
        ValueError: where a name occurs twice or a query has no line that says what it is for.
    """
    _, *parts = _START.split((files("rapray.store") / "sql" / f"{name}.sql").read_text(encoding="utf-8"))
    queries: dict[str, sql.SQL] = {}
    for query, text in zip(parts[::2], parts[1::2], strict=True):
        purpose, _, body = text.partition("\n")
        if query in queries or not purpose.startswith("-- ") or not body.strip():
            message = f"{name}.sql: {query} needs a name of its own, a line of purpose and a body"
            raise ValueError(message)
        # The text comes from this package alone, never from a caller: that is what LiteralString stands for.
        queries[query] = sql.SQL(cast("LiteralString", body.strip()))
    return MappingProxyType(queries)
