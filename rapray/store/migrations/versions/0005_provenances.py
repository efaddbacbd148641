"""What made each result, once; failures of analyses stand under its digest.

Holds copies of what the program did when this was written: a migration must not change with the program.
"""

import json
from hashlib import sha256
from urllib.parse import unquote

from alembic import op
from sqlalchemy import text

from rapray.store.migrate import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Runs the SQL file of this name, then renames the stages of failed analyses."""
    run_sql("0005_provenances.sql")
    connection = op.get_bind()
    stages = connection.execute(
        text("SELECT DISTINCT stage FROM dead_letters WHERE starts_with(stage, 'analyze/')")
    )
    for former in stages.scalars().all():
        if (stage := digest_stage(former)) is not None:
            renamed = text("UPDATE dead_letters SET stage = :stage WHERE stage = :former")
            connection.execute(renamed, {"stage": stage, "former": former})


def digest_stage(former: str) -> str | None:
    """Return `analyze/<analyzer>/<digest>` for a stage of before; None if it has no version.

    A stage of before has the form `analyze/<analyzer>/<version>/<model>@<revision>/<prompt>/<parameters>`,
    percent-encoded, and ends with its last part that is not empty.
    """
    _, analyzer, *parts = former.split("/", 5)
    if not parts:
        return None
    version, made_with, prompt, parameters = (*parts, "", "", "")[:4]
    model, at, model_revision = made_with.partition("@")
    values = [
        analyzer,
        version,
        unquote(model) if made_with else None,
        unquote(model_revision) if at else None,
        unquote(prompt) or None,
        parameters or None,
    ]
    array = json.dumps(values, ensure_ascii=False)
    return f"analyze/{analyzer}/{sha256(array.encode()).hexdigest()[:32]}"
