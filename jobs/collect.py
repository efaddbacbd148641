"""The collect job for a running cluster.

    rapray collect --help
    ray job submit --working-dir . -- python jobs/collect.py ARGS
"""

from __future__ import annotations

import sys

from rapray.cli import main

if __name__ == "__main__":
    main(["collect", *sys.argv[1:]])
