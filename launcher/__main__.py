"""``python -m launcher`` is ``fljob``."""

import sys

if __name__ == "__main__":
    try:
        from launcher.cli import main

        main()
    except KeyboardInterrupt:  # before `main` sees to it
        sys.stderr.write("interrupted\n")
        sys.exit(130)
