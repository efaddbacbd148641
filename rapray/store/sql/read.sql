-- name: track
-- Everything of one track.
SELECT t.id, t.source, t.source_id, t.title, a.id, a.name, t.featured, t.lyrics, t.sections, t.language, t.album,
       t.release_date, t.release_year, t.is_explicit, t.identifiers, t.url, t.content_hash,
       coalesce(d.leader_id, t.id) AS duplicate_group, t.created_at, t.updated_at
FROM tracks t JOIN artists a ON a.id = t.artist_id LEFT JOIN duplicates d ON d.track_id = t.id
WHERE t.id = %(id)s;

-- name: tracks
-- A page of tracks by id.
SELECT t.id, t.title, a.id, a.name, t.featured, t.album, t.release_year, t.language, t.url, t.content_hash,
       coalesce(d.leader_id, t.id) AS duplicate_group
FROM tracks t JOIN artists a ON a.id = t.artist_id LEFT JOIN duplicates d ON d.track_id = t.id
WHERE t.id > %(after)s AND {where}
ORDER BY t.id LIMIT %(limit)s;

-- name: artists
-- A page of artists by id.
SELECT a.id, a.source, a.source_id, a.name, a.url, 1.0::float8 AS similarity,
       (SELECT count(*) FROM tracks t WHERE t.artist_id = a.id) AS tracks
FROM artists a WHERE a.id > %(after)s ORDER BY a.id LIMIT %(limit)s;

-- name: artists_like
-- Artists by likeness of their names.
SELECT a.id, a.source, a.source_id, a.name, a.url, similarity(a.name_normalized, %(name)s)::float8 AS similarity,
       (SELECT count(*) FROM tracks t WHERE t.artist_id = a.id) AS tracks
FROM artists a
WHERE a.name_normalized %% %(name)s OR starts_with(a.name_normalized, %(name)s)
ORDER BY similarity DESC, a.id LIMIT %(limit)s;

-- name: stats
-- Figures of the whole collection.
SELECT (SELECT count(*) FROM tracks) AS tracks,
       (SELECT count(*) FROM artists) AS artists,
       (SELECT min(release_year) FROM tracks) AS first_year,
       (SELECT max(release_year) FROM tracks) AS last_year,
       (SELECT coalesce(jsonb_object_agg(language, n), '{}')
          FROM (SELECT language, count(*) AS n FROM tracks WHERE language IS NOT NULL GROUP BY language) l) AS languages,
       (SELECT coalesce(jsonb_object_agg(name || '@' || revision, n), '{}')
          FROM (SELECT model_id, count(*) AS n FROM lyric_embeddings WHERE passage = 0 GROUP BY model_id) e
          JOIN models m ON m.id = e.model_id) AS embedded,
       (SELECT coalesce(jsonb_object_agg(analyzer || ' ' || version, n), '{}')
          FROM (SELECT p.analyzer, p.version, count(DISTINCT r.track_id) AS n
                FROM analysis_results r JOIN provenances p ON p.id = r.provenance_id GROUP BY 1, 2) r) AS analyzed;

-- name: model
-- The id of a model by what identifies it.
SELECT id FROM models WHERE kind = %(kind)s AND name = %(name)s AND revision = %(revision)s;

-- name: versions
-- The versions of the server and of pgvector.
SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'vector');
