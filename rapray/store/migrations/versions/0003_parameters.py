"""The settings that decided a result, as a digest."""

from rapray.store.migrate import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Runs the SQL file of this name."""
    run_sql("0003_parameters.sql")
