"""`python -m core VERB ...`: everything the screens do, headless."""

import sys

from core.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
