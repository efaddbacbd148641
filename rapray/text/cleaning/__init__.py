"""Lyrics as they come in: characters made plain, page junk removed, LRC time stamps read."""
