"""`python -m swapkit` is the command `swapkit`."""
from swapkit.apps.cli import main

if __name__ == '__main__': main()
