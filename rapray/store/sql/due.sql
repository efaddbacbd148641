-- name: embedded
-- The condition that a track `t` has vectors of its present text by the model.
SELECT FROM lyric_embeddings e
WHERE e.model_id = %(model_id)s AND e.track_id = t.id AND e.passage = 0 AND e.content_hash = t.content_hash

-- name: analyzed
-- The condition that a track `t` has a result of this provenance for its present text.
SELECT FROM analysis_results a
WHERE a.provenance_id = (SELECT id FROM provenances WHERE digest = %(digest)s) AND a.track_id = t.id
  AND a.content_hash = t.content_hash

-- name: count
-- How many tracks are due.
SELECT count(*)
FROM tracks t
WHERE {scope} AND NOT EXISTS ({done})
  AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.stage = %(stage)s AND d.key = t.id::text AND d.is_dead
                    AND coalesce(d.content_hash, t.content_hash) = t.content_hash);

-- name: standing
-- How many tracks are done, dead and due.
SELECT count(*) FILTER (WHERE is_done), count(*) FILTER (WHERE NOT is_done AND is_dead),
       count(*) FILTER (WHERE NOT is_done AND NOT is_dead)
FROM (
    SELECT EXISTS ({done}) AS is_done,
           EXISTS (SELECT FROM dead_letters d WHERE d.stage = %(stage)s AND d.key = t.id::text AND d.is_dead
                     AND coalesce(d.content_hash, t.content_hash) = t.content_hash) AS is_dead
    FROM tracks t
    WHERE {scope}
) judged;

-- name: ranges
-- Ranges of track ids with so many due tracks each. Reads ids and hashes from indexes, never a lyric.
SELECT min(id), max(id), count(*)::int
FROM (
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(rows)s AS part
    FROM (
        SELECT t.id
        FROM tracks t
        WHERE {scope} AND NOT EXISTS ({done})
          AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.stage = %(stage)s AND d.key = t.id::text AND d.is_dead
                            AND coalesce(d.content_hash, t.content_hash) = t.content_hash)
        ORDER BY t.id LIMIT %(limit)s
    ) first
) numbered
GROUP BY part ORDER BY part;

-- name: read
-- The due tracks of a range with their texts.
SELECT t.id, t.lyrics, t.sections, t.content_hash, t.title, t.language
FROM tracks t
WHERE t.id BETWEEN %(lo)s AND %(hi)s AND {scope}
  AND NOT EXISTS ({done})
  AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.stage = %(stage)s AND d.key = t.id::text AND d.is_dead
                    AND coalesce(d.content_hash, t.content_hash) = t.content_hash)
ORDER BY t.id;

-- name: coverage
-- Every track in exactly one state of an analyzer, counted.
SELECT count(*), count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'stale'),
       count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'dead'),
       count(*) FILTER (WHERE state = 'untried')
FROM (
    SELECT CASE
        WHEN EXISTS ({done}) THEN 'done'
        WHEN d.is_dead AND coalesce(d.content_hash, t.content_hash) = t.content_hash THEN 'dead'
        WHEN d.key IS NOT NULL AND coalesce(d.content_hash, t.content_hash) = t.content_hash THEN 'failed'
        WHEN EXISTS (SELECT FROM analysis_results r WHERE r.track_id = t.id AND r.provenance_id = ANY (
            ARRAY (SELECT id FROM provenances WHERE analyzer = %(analyzer)s))) THEN 'stale'
        ELSE 'untried' END AS state
    FROM tracks t LEFT JOIN dead_letters d ON d.stage = %(stage)s AND d.key = t.id::text
    WHERE {scope}
) judged;
