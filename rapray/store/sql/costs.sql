-- name: reserve
-- Sets the most that a request may cost aside; no row comes back where the limit leaves no room for it.
INSERT INTO run_costs AS c (run_id, provider, reserved_usd)
SELECT %(run_id)s, %(provider)s, %(usd)s WHERE %(usd)s <= coalesce(%(limit_usd)s, 'infinity'::float8)
ON CONFLICT (run_id, provider) DO UPDATE
SET reserved_usd = c.reserved_usd + excluded.reserved_usd
WHERE c.cost_usd + c.reserved_usd + excluded.reserved_usd <= coalesce(%(limit_usd)s, 'infinity'::float8)
RETURNING 1;

-- name: settle
-- Puts what a request did cost in the place of what was reserved for it.
UPDATE run_costs
SET requests = requests + %(requests)s, input_tokens = input_tokens + %(input_tokens)s,
    output_tokens = output_tokens + %(output_tokens)s, cost_usd = cost_usd + %(cost_usd)s,
    reserved_usd = greatest(0, reserved_usd - %(reserved_usd)s)
WHERE run_id = %(run_id)s AND provider = %(provider)s;

-- name: of_run
-- What a run has spent so far, by provider.
SELECT provider, requests, input_tokens, output_tokens, cost_usd, reserved_usd
FROM run_costs WHERE run_id = %(run_id)s
ORDER BY provider;
