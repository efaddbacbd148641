"""What language models cost: of each result, and of each run with all that failed on the way."""

from rapray.store.migrate import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Runs the SQL file of this name."""
    run_sql("0002_costs.sql")
