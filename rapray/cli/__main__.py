"""Run the command without its console script: `python -m rapray.cli`."""

from rapray.cli import main

main()
