-- Sections without their lines: where they stand in the lyric, which is stored once.

-- Every track is rewritten: filling the index row by row would take longer than building it again.
DROP INDEX tracks_lyrics_tsv;
