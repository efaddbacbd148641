"""The embed job for a running cluster; takes the options of `rapray embed` and knows nothing of the job.

From here, or on the cluster:

    rapray embed --limit 1000
    ray job submit --working-dir . -- python jobs/embed.py --limit 1000
"""

from __future__ import annotations

import sys

from rapray.cli import main

if __name__ == "__main__":
    main(["embed", *sys.argv[1:]])
