-- name: artist_ids
-- The condition that a track is of one of these artists.
t.artist_id = ANY (%(artist_ids)s)

-- name: year_from
-- The condition that a track came out in this year or later.
t.release_year >= %(year_from)s

-- name: year_to
-- The condition that a track came out in this year or before.
t.release_year <= %(year_to)s

-- name: languages
-- The condition that a track is in one of these languages.
t.language = ANY (%(languages)s)

-- name: artists
-- Artists by their normalised name.
SELECT id FROM artists WHERE name_normalized = %(name)s ORDER BY id;
