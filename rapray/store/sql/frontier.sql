-- name: upsert_discovered
-- Adds the staged songs; an own song wins over a feature. Counts new, changed and unchanged.
WITH latest AS (
    SELECT DISTINCT ON (source, source_id) * FROM staged_songs ORDER BY source, source_id, is_feature
), written AS (
    INSERT INTO crawl AS c (source, kind, source_id, url, title, artist_source_id, artist_name, artist_url,
                            state, outcome)
    SELECT source, 'song', source_id, url, title, artist_source_id, artist_name, artist_url,
           CASE WHEN is_feature THEN 'done' ELSE 'due' END, CASE WHEN is_feature THEN 'feature' END
    FROM latest
    ORDER BY source, source_id
    ON CONFLICT (source, kind, source_id) DO UPDATE
    SET url = excluded.url, title = excluded.title, artist_source_id = excluded.artist_source_id,
        artist_name = excluded.artist_name, artist_url = excluded.artist_url,
        state = CASE WHEN c.outcome = 'feature' THEN excluded.state ELSE c.state END,
        outcome = CASE WHEN c.outcome = 'feature' THEN excluded.outcome ELSE c.outcome END
    WHERE (excluded.outcome IS DISTINCT FROM 'feature'
           AND (c.outcome IS NOT DISTINCT FROM 'feature'
                OR (c.url, c.title, c.artist_source_id, c.artist_name, c.artist_url)
                   IS DISTINCT FROM (excluded.url, excluded.title, excluded.artist_source_id,
                                     excluded.artist_name, excluded.artist_url)))
       -- A feature that several artists lead to belongs to the first of them, in whatever order they were asked.
       OR (excluded.outcome = 'feature' AND c.outcome = 'feature'
           AND excluded.artist_source_id COLLATE "C" < c.artist_source_id COLLATE "C")
    RETURNING (c.xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new), (SELECT count(*) FROM latest) - count(*)
FROM written;

-- name: due_ranges
-- Ranges of ids with about so many songs each that are due now.
SELECT min(source_id), max(source_id), count(*)::int
FROM (
    SELECT source_id, (row_number() OVER (ORDER BY source_id) - 1) / %(rows)s AS part
    FROM crawl
    WHERE source = %(source)s AND kind = 'song' AND state = 'due' AND not_before <= now()
      AND (%(artists)s::text[] IS NULL OR artist_source_id = ANY (%(artists)s))
) due
GROUP BY part ORDER BY part;

-- name: read_due
-- The songs of a range that are due now.
SELECT source_id, url, title, artist_source_id, artist_name, artist_url
FROM crawl
WHERE source = %(source)s AND kind = 'song' AND state = 'due' AND not_before <= now()
  AND source_id BETWEEN %(lo)s AND %(hi)s
  AND (%(artists)s::text[] IS NULL OR artist_source_id = ANY (%(artists)s))
ORDER BY source_id;

-- name: summary
-- Outcomes of all songs that were discovered for these artists.
SELECT coalesce(outcome, state), count(*)::int
FROM crawl
WHERE source = %(source)s AND kind = 'song' AND artist_source_id = ANY (%(artists)s)
GROUP BY 1 ORDER BY 1;
