"""The analyze job for a running cluster.

    rapray analyze --help
    ray job submit --working-dir . -- python jobs/analyze.py ARGS
"""

from __future__ import annotations

import sys

from rapray.cli import main

if __name__ == "__main__":
    main(["analyze", *sys.argv[1:]])
