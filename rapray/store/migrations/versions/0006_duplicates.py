"""Which tracks repeat another one, in a table of its own."""

from rapray.store.migrate import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Runs the SQL file of this name."""
    run_sql("0006_duplicates.sql")
