-- name: upsert_artists
-- The artists of the staged tracks. What is there and the same is not touched: an upsert would lock it.
INSERT INTO artists AS a (source, source_id, name, name_normalized, url)
SELECT DISTINCT ON (s.artist_source, s.artist_source_id)
       s.artist_source, s.artist_source_id, s.artist_name, s.artist_name_normalized, s.artist_url
FROM staged_tracks s
WHERE NOT EXISTS (
    SELECT 1 FROM artists known
    WHERE known.source = s.artist_source AND known.source_id = s.artist_source_id AND known.name = s.artist_name
      AND known.url IS NOT DISTINCT FROM coalesce(s.artist_url, known.url)
)
ORDER BY s.artist_source, s.artist_source_id, s.ordinal DESC
ON CONFLICT (source, source_id) DO UPDATE
SET name = excluded.name, name_normalized = excluded.name_normalized,
    url = coalesce(excluded.url, a.url), updated_at = now()
WHERE (a.name, a.url) IS DISTINCT FROM (excluded.name, coalesce(excluded.url, a.url));

-- name: ungroup_changed
-- Forgets the duplicates of tracks that get another text, and those that such tracks lead.
WITH changed AS MATERIALIZED (
    SELECT t.id FROM tracks t JOIN staged_tracks s USING (source, source_id) WHERE t.content_hash <> s.content_hash
)
DELETE FROM duplicates WHERE track_id IN (
    SELECT d.track_id FROM changed c JOIN duplicates d ON d.track_id = c.id
    UNION ALL
    SELECT d.track_id FROM changed c JOIN duplicates d ON d.leader_id = c.id
);

-- name: upsert_tracks
-- Writes the staged tracks in order of their keys; counts new, changed and unchanged.
WITH latest AS (
    SELECT DISTINCT ON (source, source_id) * FROM staged_tracks ORDER BY source, source_id, ordinal DESC
), written AS (
    INSERT INTO tracks AS t (source, source_id, artist_id, title, featured, lyrics, sections, language, album,
                             release_date, release_year, is_explicit, identifiers, url, content_hash)
    SELECT s.source, s.source_id, a.id, s.title, s.featured, s.lyrics, s.sections, s.language, s.album,
           s.release_date, s.release_year, s.is_explicit, s.identifiers, s.url, s.content_hash
    FROM latest s
    JOIN artists a ON a.source = s.artist_source AND a.source_id = s.artist_source_id
    ORDER BY s.source, s.source_id
    ON CONFLICT (source, source_id) DO UPDATE
    SET artist_id = excluded.artist_id, title = excluded.title, featured = excluded.featured,
        lyrics = excluded.lyrics, sections = excluded.sections, language = excluded.language,
        album = excluded.album, release_date = excluded.release_date, release_year = excluded.release_year,
        is_explicit = excluded.is_explicit, identifiers = excluded.identifiers, url = excluded.url,
        content_hash = excluded.content_hash, updated_at = now()
    WHERE (t.artist_id, t.title, t.featured, t.lyrics, t.sections, t.language, t.album, t.release_date,
           t.release_year, t.is_explicit, t.identifiers, t.url, t.content_hash)
          IS DISTINCT FROM
          (excluded.artist_id, excluded.title, excluded.featured, excluded.lyrics, excluded.sections,
           excluded.language, excluded.album, excluded.release_date, excluded.release_year,
           excluded.is_explicit, excluded.identifiers, excluded.url, excluded.content_hash)
    RETURNING (t.xmax = 0) AS is_new  -- a row that was updated carries this transaction's lock in xmax
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new), (SELECT count(*) FROM latest) - count(*)
FROM written;

-- name: upsert_fetches
-- Writes how each staged fetch ended, and the dead letters that begin or end with it; counts by state and outcome.
WITH latest AS (
    SELECT DISTINCT ON (source, source_id) * FROM staged_fetches ORDER BY source, source_id, ordinal DESC
), judged AS (
    SELECT s.*, CASE WHEN s.is_retryable THEN coalesce(c.attempts, 0) + 1 ELSE 0 END AS failed_attempts
    FROM latest s LEFT JOIN crawl c ON c.source = s.source AND c.kind = 'song' AND c.source_id = s.source_id
), written AS (
    INSERT INTO crawl AS c (source, kind, source_id, url, title, artist_source_id, artist_name, artist_url,
                            state, outcome, attempts, not_before, http_status, final_url, etag, detail, fetched_at)
    SELECT source, 'song', source_id, url, title, artist_source_id, artist_name, artist_url,
           CASE WHEN NOT is_retryable THEN 'done' WHEN failed_attempts >= %(max_attempts)s THEN 'dead' ELSE 'due' END,
           outcome, failed_attempts,
           CASE WHEN is_retryable THEN now() + make_interval(secs => coalesce(
               retry_after_s,
               %(retry_delay_s)s::float8 * 2 ^ least(failed_attempts - 1, 16))) ELSE '-infinity' END,
           http_status, final_url, etag, detail, clock_timestamp()
    FROM judged
    ORDER BY source, source_id
    ON CONFLICT (source, kind, source_id) DO UPDATE
    SET state = excluded.state, outcome = excluded.outcome, attempts = excluded.attempts,
        not_before = excluded.not_before, http_status = excluded.http_status, final_url = excluded.final_url,
        etag = coalesce(excluded.etag, c.etag), detail = excluded.detail, fetched_at = excluded.fetched_at
    RETURNING source, source_id, state, outcome, attempts, detail, discovered_at
), died AS (
    INSERT INTO dead_letters AS d (stage, key, code, detail, attempts, is_dead, first_seen_at)
    SELECT 'collect/' || source, source_id, outcome, detail, attempts, true, discovered_at FROM written WHERE state = 'dead'
    ON CONFLICT (stage, key) DO UPDATE
    SET code = excluded.code, detail = excluded.detail, attempts = excluded.attempts, is_dead = true,
        last_seen_at = now()
), cleared AS (
    DELETE FROM dead_letters d USING written w
    WHERE w.state = 'done' AND d.stage = 'collect/' || w.source AND d.key = w.source_id
)
SELECT state, outcome, count(*)::int FROM written GROUP BY state, outcome ORDER BY state, outcome;

-- name: ungroup
-- Takes away what is no duplicate: a track whose text changed while an earlier grouping ran.
DELETE FROM duplicates d USING tracks t, tracks leader
WHERE d.kind = 'same_text' AND t.id = d.track_id AND leader.id = d.leader_id AND t.content_hash <> leader.content_hash;

-- name: group
-- Names the leader of each track whose text another track has: the first by source and id. No words, no duplicate.
INSERT INTO duplicates AS d (track_id, leader_id, kind, similarity)
SELECT id, leader_id, 'same_text', 1
FROM (
    SELECT id, first_value(id) OVER (
        PARTITION BY content_hash ORDER BY source COLLATE "C", source_id COLLATE "C") AS leader_id
    FROM tracks
    WHERE content_hash IN (
        SELECT content_hash FROM tracks WHERE content_hash <> '' GROUP BY content_hash HAVING count(*) > 1)
) member
WHERE id <> leader_id
ORDER BY id
ON CONFLICT (track_id) DO UPDATE
SET leader_id = excluded.leader_id, kind = excluded.kind, similarity = excluded.similarity
WHERE (d.leader_id, d.kind, d.similarity) IS DISTINCT FROM (excluded.leader_id, excluded.kind, excluded.similarity);
