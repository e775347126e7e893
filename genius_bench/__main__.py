"""`python -m genius_bench`: the command line where the script is not on the path."""

from genius_bench.cli import main

main()
