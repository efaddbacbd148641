-- name: record
-- Counts an attempt of each staged failure; returns how many of them are dead.
WITH latest AS (
    SELECT DISTINCT ON (stage, key) * FROM staged_failures ORDER BY stage, key, ordinal DESC
), written AS (
    INSERT INTO dead_letters AS d (stage, key, code, detail, content_hash, attempts, is_dead)
    SELECT stage, key, code, detail, content_hash, 1, 1 >= %(max_attempts)s FROM latest ORDER BY stage, key
    ON CONFLICT (stage, key) DO UPDATE
    SET code = excluded.code, detail = excluded.detail, content_hash = excluded.content_hash, last_seen_at = now(),
        attempts = CASE WHEN d.content_hash IS NOT DISTINCT FROM excluded.content_hash
                        THEN d.attempts + 1 ELSE 1 END,
        is_dead = CASE WHEN d.content_hash IS NOT DISTINCT FROM excluded.content_hash
                       THEN d.attempts + 1 ELSE 1 END >= %(max_attempts)s
    RETURNING is_dead
)
SELECT count(*) FILTER (WHERE is_dead)::int FROM written;

-- name: clear
-- Forgets failures that a later success on the same text has overtaken.
DELETE FROM dead_letters d
USING unnest(%(keys)s::text[], %(hashes)s::text[]) AS done (key, content_hash)
WHERE d.stage = %(stage)s AND d.key = done.key
  AND (d.content_hash IS NULL OR done.content_hash IS NULL OR d.content_hash = done.content_hash);

-- name: list
-- The latest failures; a song that will be fetched again is one too, though no dead letter yet.
SELECT stage, key, code, detail, content_hash, attempts, is_dead, first_seen_at, last_seen_at
FROM (
    SELECT stage, key, code, detail, content_hash, attempts, is_dead, first_seen_at, last_seen_at FROM dead_letters
    UNION ALL
    SELECT 'collect/' || source, source_id, coalesce(outcome, 'error'), detail, NULL, attempts, false, discovered_at,
           coalesce(fetched_at, discovered_at)
    FROM crawl WHERE kind = 'song' AND state = 'due' AND attempts > 0
) failed
WHERE (%(stage)s::text IS NULL OR stage = %(stage)s OR starts_with(stage, %(stage)s || '/'))
  AND (%(keys)s::text[] IS NULL OR key = ANY (%(keys)s)) AND (is_dead OR NOT %(dead_only)s)
ORDER BY last_seen_at DESC, stage, key LIMIT %(limit)s;

-- name: revive
-- Takes dead letters away, so that what they are of is due again.
DELETE FROM dead_letters
WHERE is_dead AND (%(stage)s::text IS NULL OR stage = %(stage)s OR starts_with(stage, %(stage)s || '/'))
  AND (%(keys)s::text[] IS NULL OR key = ANY (%(keys)s))
RETURNING stage, key;

-- name: revive_songs
-- Makes the songs of these dead letters due again; other stages find what is due by themselves.
UPDATE crawl c SET state = 'due', attempts = 0, not_before = '-infinity'
FROM unnest(%(stages)s::text[], %(keys)s::text[]) AS letter (stage, key)
WHERE letter.stage = 'collect/' || c.source AND letter.key = c.source_id AND c.kind = 'song' AND c.state = 'dead';
