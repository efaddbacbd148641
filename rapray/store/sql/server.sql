-- name: pgvector_versions
-- The installed version of pgvector, and the one that CREATE EXTENSION would install.
SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
       (SELECT default_version FROM pg_available_extensions WHERE name = 'vector');

-- name: free_connections
-- How many ordinary connections the server would still accept.
SELECT current_setting('max_connections')::int
     - current_setting('superuser_reserved_connections')::int
     - coalesce(current_setting('reserved_connections', true)::int, 0)
     - (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend');

-- name: is_migrated
-- True where alembic has left its table.
SELECT to_regclass('alembic_version') IS NOT NULL;

-- name: revision
-- The schema's revision; only where is_migrated.
SELECT version_num FROM alembic_version;
