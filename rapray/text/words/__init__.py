"""What is measured of a song's words alone: base forms, word lists, vocabulary, themes, tense."""
