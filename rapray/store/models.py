"""The models that made what is stored, and the partition that holds an embedding model's vectors.

Does not load a model: `rapray.embeddings` does.
"""

from __future__ import annotations

from typing import LiteralString, cast

from psycopg import Connection, sql

from rapray.domain import ModelInfo
from rapray.errors import DatabaseUnsuitable
from rapray.store import queries

_SQL = queries.load("models")
LARGEST_DIMENSION = 4000  # of a halfvec that an HNSW index can hold


def partition_of(model_id: int) -> sql.Identifier:
    """The table of this model's vectors."""
    return sql.Identifier(f"lyric_embeddings_m{model_id}")


def vector_type(dimension: int) -> sql.SQL:
    """The SQL type `halfvec(dimension)`: what the index is built over, so what a query must name."""
    return sql.SQL(cast("LiteralString", f"halfvec({int(dimension)})"))  # an integer cannot carry SQL


def register_model(conn: Connection, model: ModelInfo) -> int:
    """The id of a model, made with the partition for its vectors where it is new.

    Safe to call from several processes at once.

    Raises:
        DatabaseUnsuitable: where the model is known with another dimension.
    """
    with conn.transaction():
        conn.execute(_SQL["lock"], {"name": f"{model.kind} {model.name}@{model.revision}"})
        found = _find(conn, model)
        if found is None:
            row = conn.execute(_SQL["insert"], _identity(model) | {"dimension": model.dimension}).fetchone()
            assert row is not None
            found = (row[0], model.dimension)
            if model.kind == "embedding":
                _make_partition(conn, row[0], model)
    model_id, dimension = found
    if dimension != model.dimension:
        reason = f"the model {model.name}@{model.revision} is stored with {dimension} dimensions, not {model.dimension}"
        raise DatabaseUnsuitable(reason=reason)
    return model_id


def find_model(conn: Connection, model: ModelInfo) -> int | None:
    """The id of a model that is registered, else None."""
    found = _find(conn, model)
    return found[0] if found else None


def dimension_of(conn: Connection, model_id: int) -> int:
    """The length of an embedding model's vectors.

    Raises:
        DatabaseUnsuitable: where there is no such model.
    """
    row = conn.execute(_SQL["dimension"], {"id": model_id}).fetchone()
    if row is None or row[0] is None:
        raise DatabaseUnsuitable(reason=f"it has no embedding model {model_id}")
    return row[0]


def _find(conn: Connection, model: ModelInfo) -> tuple[int, int | None] | None:
    return conn.execute(_SQL["find"], _identity(model)).fetchone()


def _identity(model: ModelInfo) -> dict[str, str]:
    return {"kind": model.kind, "name": model.name, "revision": model.revision}


def _make_partition(conn: Connection, model_id: int, model: ModelInfo) -> None:
    dimension = model.dimension
    if dimension is None or not 1 <= dimension <= LARGEST_DIMENSION:
        reason = f"vectors of {dimension} dimensions cannot be indexed; 1 to {LARGEST_DIMENSION} can"
        raise DatabaseUnsuitable(reason=reason)
    names = {
        "partition": partition_of(model_id),
        "dimension": sql.Literal(dimension),
        "id": sql.Literal(model_id),
    }
    # Made apart and attached: CREATE … PARTITION OF would lock out every reader of the other models.
    conn.execute(_SQL["create_partition"].format(**names))
    conn.execute(_SQL["attach_partition"].format(**names))
