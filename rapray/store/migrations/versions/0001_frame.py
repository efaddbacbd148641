"""The first schema: collection, vectors, analyses, the crawl frontier, runs, failures, keys."""

from rapray.store.migrate import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Runs the SQL file of this name."""
    run_sql("0001_frame.sql")
