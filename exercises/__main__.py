"""``python -m exercises``: see ``exercises.tool``."""

import sys

from exercises.tool.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
