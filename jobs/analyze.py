"""The analyze job for a running cluster; takes the options of `rapray analyze` and knows nothing of the job.

From here, or on the cluster:

    rapray analyze --limit 1000
    ray job submit --working-dir . -- python jobs/analyze.py --limit 1000
"""

from __future__ import annotations

import sys

from rapray.cli import main

if __name__ == "__main__":
    main(["analyze", *sys.argv[1:]])
