"""`python -m trainers vae|ddpm --dataset NAME ...`"""

import sys

from trainers.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
