"""``python -m launcher`` is ``fljob``."""

from launcher.cli import main

if __name__ == "__main__":
    main()
