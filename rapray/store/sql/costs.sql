-- name: reserve
-- Sets the most that a request may cost aside; no row comes back where the limit leaves no room for it. Run again, it
-- finds what it set aside.
WITH known AS (
    SELECT id FROM run_reservations WHERE id = %(id)s
), granted AS (
    INSERT INTO run_costs AS c (run_id, provider, requests, reserved_usd)
    SELECT %(run_id)s, %(provider)s, 1, %(usd)s
    WHERE %(usd)s <= coalesce(%(limit_usd)s, 'infinity'::float8) AND NOT EXISTS (SELECT FROM known)
    ON CONFLICT (run_id, provider) DO UPDATE
    SET requests = c.requests + 1, reserved_usd = c.reserved_usd + excluded.reserved_usd
    WHERE c.cost_usd + c.reserved_usd + excluded.reserved_usd <= coalesce(%(limit_usd)s, 'infinity'::float8)
    RETURNING run_id
), kept AS (
    INSERT INTO run_reservations (id, run_id, provider, usd)
    SELECT %(id)s, run_id, %(provider)s, %(usd)s FROM granted
    RETURNING id
)
SELECT id FROM known UNION ALL SELECT id FROM kept;

-- name: settle
-- Puts what a request did cost in the place of what was set aside for it. Run again, it finds nothing to do.
WITH reservation AS (
    DELETE FROM run_reservations WHERE id = %(id)s RETURNING run_id, provider, usd
)
UPDATE run_costs c
SET requests = c.requests + %(requests)s, input_tokens = c.input_tokens + %(input_tokens)s,
    output_tokens = c.output_tokens + %(output_tokens)s, cost_usd = c.cost_usd + %(cost_usd)s,
    reserved_usd = greatest(0, c.reserved_usd - r.usd)
FROM reservation r
WHERE c.run_id = r.run_id AND c.provider = r.provider;

-- name: of_runs
-- What some runs have spent so far, by provider.
SELECT run_id, provider, requests, input_tokens, output_tokens, cost_usd, reserved_usd
FROM run_costs WHERE run_id = ANY (%(run_ids)s)
ORDER BY run_id, provider;
