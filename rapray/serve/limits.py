"""What a request may hold at most where no setting says it; each once, for the checks, for `/info` and for the pages.

Knows no request; what settings bound is in `Limits`, beside these.
"""

from __future__ import annotations

from rapray.domain import LARGEST_ID

MAX_ID = LARGEST_ID
MAX_QUERY_CHARS = 2000
MAX_SEARCH_RESULTS = 500  # the setting `serve.search_limit` may be lower
MAX_PAGE = 200
MAX_BATCH_TEXTS = 100
TEXTS_AT_ONCE = 4  # of one batch: more would fill the analyzers' queues for everyone else
