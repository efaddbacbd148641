-- name: start
-- Opens a run.
INSERT INTO runs (id, job, parameters, program) VALUES (%(id)s, %(job)s, %(parameters)s, %(program)s);

-- name: finish
-- Closes a run.
UPDATE runs SET state = %(state)s, counts = %(counts)s, error = %(error)s, finished_at = now() WHERE id = %(id)s;

-- name: interrupt
-- Marks what a dead driver left open: of the whole job, or with one of these values in that parameter. Only the holder of
-- its locks may.
UPDATE runs SET state = 'interrupted', finished_at = now()
WHERE job = %(job)s AND state = 'running'
  AND (%(parameter)s::text IS NULL OR parameters -> %(parameter)s ?| %(values)s::text[]);

-- name: written
-- The sums of what a run's batches counted.
SELECT counted.key, sum(counted.value::int)::int
FROM run_batches b, jsonb_each_text(b.counts) AS counted (key, value)
WHERE b.run_id = %(id)s GROUP BY counted.key;

-- name: list
-- The latest runs.
SELECT id, job, parameters, program, state, counts, error, started_at, finished_at
FROM runs ORDER BY started_at DESC, id LIMIT %(limit)s;
