-- Which tracks repeat another one, in a table of its own: grouping rewrites no track and none of its indexes.

CREATE TABLE duplicates (
    track_id   bigint PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    leader_id  bigint NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,  -- the track that stands for the group
    kind       text NOT NULL CHECK (kind IN ('same_text', 'near')),
    similarity real NOT NULL CHECK (similarity BETWEEN -1 AND 1),
    CHECK (track_id <> leader_id)
);
CREATE INDEX duplicates_leader ON duplicates (leader_id);

INSERT INTO duplicates (track_id, leader_id, kind, similarity)
SELECT t.id, leader.id, 'same_text', 1
FROM tracks t JOIN tracks leader ON leader.id = t.duplicate_group AND leader.id <> t.id;

ALTER TABLE tracks DROP COLUMN duplicate_group;
