"""The collect job for a running cluster; takes the options of `rapray collect` and knows nothing of the job.

From here, or on the cluster:

    rapray collect --artist "Mara Quill"
    ray job submit --working-dir . -- python jobs/collect.py --artist "Mara Quill"
"""

from __future__ import annotations

import sys

from rapray.cli import main

if __name__ == "__main__":
    main(["collect", *sys.argv[1:]])
