-- name: settings
-- Of this transaction alone, so that it holds behind PgBouncer too.
SELECT set_config('hnsw.ef_search', %(ef_search)s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: count_up_to
-- How many tracks the filters leave, as far as it matters.
SELECT count(*)::int FROM (SELECT FROM tracks t WHERE {where} LIMIT %(most)s) chosen;

-- name: nearest
-- The nearest passages by the graph, filters inside it; sorted again, because an iterative scan may come out of order.
-- The hashes are compared inside coalesce, where the planner takes no second equality for a rare coincidence: it would
-- expect three rows of any corpus, and leave the graph unused.
WITH near AS MATERIALIZED (
    SELECT e.track_id, e.passage, e.embedding::{type} <=> %(vector)s::{type} AS distance
    FROM {partition} e JOIN tracks t ON t.id = e.track_id AND coalesce(t.content_hash = e.content_hash, false)
    WHERE {where}
    ORDER BY e.embedding::{type} <=> %(vector)s::{type}
    LIMIT %(passages)s
)
SELECT near.track_id, near.passage, near.distance, coalesce(d.leader_id, near.track_id) AS duplicate_group
FROM near LEFT JOIN duplicates d ON d.track_id = near.track_id
ORDER BY near.distance + 0, d.leader_id IS NOT NULL, near.track_id, near.passage;

-- name: exact
-- The nearest passages of the few tracks that the filters leave; every one of them is compared.
WITH chosen AS MATERIALIZED (
    SELECT t.id, t.content_hash FROM tracks t WHERE {where}
)
SELECT e.track_id, e.passage, e.embedding::{type} <=> %(vector)s::{type} AS distance,
       coalesce(d.leader_id, e.track_id) AS duplicate_group
FROM chosen c
JOIN {partition} e ON e.model_id = {model_id} AND e.track_id = c.id AND e.content_hash = c.content_hash
LEFT JOIN duplicates d ON d.track_id = c.id
ORDER BY (e.embedding::{type} <=> %(vector)s::{type}) + 0, d.leader_id IS NOT NULL, e.track_id, e.passage
LIMIT %(passages)s;

-- name: details
-- What a hit shows: the track and the nearest of its sections.
SELECT t.id, t.title, a.id, a.name, t.featured, t.album, t.release_year, t.language, t.url, t.content_hash,
       coalesce(d.leader_id, t.id) AS duplicate_group, t.lyrics, t.sections, section.passage, section.distance
FROM tracks t
JOIN artists a ON a.id = t.artist_id
LEFT JOIN duplicates d ON d.track_id = t.id
LEFT JOIN LATERAL (
    SELECT e.passage, e.embedding::{type} <=> %(vector)s::{type} AS distance
    FROM {partition} e
    WHERE e.model_id = {model_id} AND e.track_id = t.id AND e.passage > 0 AND e.content_hash = t.content_hash
    ORDER BY (e.embedding::{type} <=> %(vector)s::{type}) + 0, e.passage LIMIT 1
) section ON true
WHERE t.id = ANY (%(track_ids)s);
