"""`python -m infonet` is the `infonet` command."""

from infonet.cli import main

main(prog_name="infonet")
