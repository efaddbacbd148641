"""The web pages: Jinja templates, one style sheet, one small script module. No build step, nothing from another host.

Knows the records of `rapray.serve.backend` and nothing of requests.
"""
