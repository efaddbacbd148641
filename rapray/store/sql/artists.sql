-- name: artist
-- An artist by id, with the number of tracks.
SELECT a.id, a.name, (SELECT count(*) FROM tracks t WHERE t.artist_id = a.id) AS tracks
FROM artists a WHERE a.id = %(id)s;

-- name: songs
-- The artist's tracks in order of release, of those with one text the first; a year alone stands for its first day.
SELECT id FROM (
    SELECT DISTINCT ON (content_hash) id, coalesce(release_date, make_date(release_year, 1, 1)) AS released
    FROM tracks WHERE artist_id = %(id)s ORDER BY content_hash, released NULLS LAST, id
) song ORDER BY released NULLS LAST, id;

-- name: sections
-- What is sung in these tracks, in the order of the ids.
SELECT t.lyrics, t.sections::text FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY wanted (id, place) JOIN tracks t USING (id)
ORDER BY wanted.place;
