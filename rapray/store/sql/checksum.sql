-- name: artists
-- Artists by source and id.
SELECT count(*), md5(coalesce(string_agg(md5(r::text), '' ORDER BY md5(r::text)), ''))
FROM (SELECT source, source_id, name, name_normalized, url FROM artists) r;

-- name: tracks
-- Tracks with their artist and the track that they repeat, both by source and id.
SELECT count(*), md5(coalesce(string_agg(md5(r::text), '' ORDER BY md5(r::text)), ''))
FROM (
    SELECT t.source, t.source_id, a.source AS artist_source, a.source_id AS artist_source_id, t.title, t.featured,
           t.lyrics, t.sections, t.language, t.album, t.release_date, t.release_year, t.is_explicit, t.identifiers,
           t.spotify_data, t.url, t.content_hash, d.kind, d.similarity, leader.source AS leader_source,
           leader.source_id AS leader_source_id
    FROM tracks t JOIN artists a ON a.id = t.artist_id LEFT JOIN duplicates d ON d.track_id = t.id
    LEFT JOIN tracks leader ON leader.id = d.leader_id
) r;

-- name: crawl
-- The frontier with how each fetch ended.
SELECT count(*), md5(coalesce(string_agg(md5(r::text), '' ORDER BY md5(r::text)), ''))
FROM (
    SELECT source, kind, source_id, url, title, artist_source_id, artist_name, artist_url, state, outcome,
           http_status, final_url
    FROM crawl
) r;

-- name: lyric_embeddings
-- Vectors by model, track and passage: their dimension, not their values, which a model computed.
SELECT count(*), md5(coalesce(string_agg(md5(r::text), '' ORDER BY md5(r::text)), ''))
FROM (
    SELECT m.kind, m.name, m.revision, t.source, t.source_id, e.passage, e.content_hash,
           vector_dims(e.embedding) AS dimension
    FROM lyric_embeddings e JOIN models m ON m.id = e.model_id JOIN tracks t ON t.id = e.track_id
) r;

-- name: analysis_results
-- Analyses by track and provenance; their figures only if rules computed them, not a model.
SELECT count(*), md5(coalesce(string_agg(md5(r::text), '' ORDER BY md5(r::text)), ''))
FROM (
    SELECT t.source, t.source_id, p.digest, r.content_hash, r.analysis_embedding IS NULL AS has_no_embedding,
           CASE WHEN p.model IS NULL THEN row (r.sentiment, r.confidence, r.data, r.analysis_embedding) END AS figures
    FROM analysis_results r JOIN provenances p ON p.id = r.provenance_id JOIN tracks t ON t.id = r.track_id
) r;

-- name: dead_letters
-- Failures by stage and key; a key that is a track's id stands as the track's source and id.
SELECT count(*), md5(coalesce(string_agg(md5(r::text), '' ORDER BY md5(r::text)), ''))
FROM (
    SELECT d.stage, coalesce(t.source || '/' || t.source_id, d.key) AS key, d.code, d.content_hash, d.is_dead
    FROM dead_letters d
    LEFT JOIN tracks t ON d.stage NOT LIKE 'collect/%' AND t.id::text = d.key
) r;
