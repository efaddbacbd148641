-- name: state
-- Whether an index is there and usable, and its size.
SELECT i.indisvalid AND i.indisready, pg_relation_size(i.indexrelid)
FROM pg_index i WHERE i.indexrelid = to_regclass(%(name)s);

-- name: rows
-- How many vectors a model has.
SELECT count(*) FROM {partition};

-- name: drop
-- Takes away what a broken-off build left.
DROP INDEX IF EXISTS {index};

-- name: create
-- The graph over a model's vectors; readers and writers go on meanwhile.
CREATE INDEX CONCURRENTLY {index} ON {partition}
USING hnsw ((embedding::{type}) halfvec_cosine_ops) WITH (m = 16, ef_construction = 64);

-- name: analyze
-- Tells the planner what is in the table now.
ANALYZE {partition};

-- name: progress
-- How far the build of one backend is.
SELECT phase, coalesce(blocks_done::float8 / nullif(blocks_total, 0), 0)
FROM pg_stat_progress_create_index WHERE pid = %(pid)s;
