"""The embed job for a running cluster.

    rapray embed --help
    ray job submit --working-dir . -- python jobs/embed.py ARGS
"""

from __future__ import annotations

import sys

from rapray.cli import main

if __name__ == "__main__":
    main(["embed", *sys.argv[1:]])
