"""`python -m rapray.cli`: the command without its console script."""

from rapray.cli import main

main()
