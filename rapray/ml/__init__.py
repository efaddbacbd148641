"""Training and evaluating rapray's own models.

Knows neither Ray nor a database; torch is imported when something is trained.
"""
