"""A small corpus of original songs, and a web site that serves it the way Genius does.

Knows nothing of the database, the analyzers or the jobs that read it.
"""
