"""What alembic runs: every outstanding migration on the connection that `rapray.store.migrate` passes in.

Knows no address and takes no lock: a session lock taken here makes alembic roll everything back silently.
"""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
