"""PostgreSQL: the truth, the work queue and the checkpoint of every job.

Knows no Ray and no HTTP. Jobs use the synchronous functions, serving the asynchronous ones.
"""
