-- name: lock
-- Lets one process at a time register this model.
SELECT pg_advisory_xact_lock(hashtextextended('rapray model ' || %(name)s, 0));

-- name: find
-- A model by what identifies it.
SELECT id, dimension FROM models WHERE kind = %(kind)s AND name = %(name)s AND revision = %(revision)s;

-- name: insert
-- A new model.
INSERT INTO models (kind, name, revision, dimension) VALUES (%(kind)s, %(name)s, %(revision)s, %(dimension)s)
RETURNING id;

-- name: dimension
-- The length of a model's vectors.
SELECT dimension FROM models WHERE id = %(id)s;

-- name: create_partition
-- The table for a model's vectors; their length is checked here, because the parent has vectors of every length.
CREATE TABLE {partition} (
    LIKE lyric_embeddings INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    CHECK (vector_dims(embedding) = {dimension}),
    CHECK (model_id = {id})
);

-- name: attach_partition
-- Makes it a partition; keys and indexes come with that.
ALTER TABLE lyric_embeddings ATTACH PARTITION {partition} FOR VALUES IN ({id});
