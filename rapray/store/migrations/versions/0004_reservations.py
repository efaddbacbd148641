"""What is set aside for requests on their way, one row each."""

from rapray.store.migrate import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Runs the SQL file of this name."""
    run_sql("0004_reservations.sql")
