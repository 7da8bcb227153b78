"""`python -m lutsmith.cli`: the command line where the `lutsmith` script is not on the path."""

from lutsmith.cli import main

main()
