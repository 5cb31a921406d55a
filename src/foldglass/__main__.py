"""`python -m foldglass`: the command line."""

import sys

from foldglass.app.main import main

if __name__ == "__main__":
    sys.exit(main())
