"""A web site that serves the sample corpus the way Genius serves its own: the API, the pages, and all that goes wrong.

Knows nothing of who reads it: it is shaped after what is known of Genius, not after the parser.
"""

from rapray.samples.site.faults import DIFFICULT_ARTIST_ID, EXPECTED, Fault
from rapray.samples.site.server import Request, SampleSite, serve_forever

__all__ = ["DIFFICULT_ARTIST_ID", "EXPECTED", "Fault", "Request", "SampleSite", "serve_forever"]
