"""``python -m migaki`` is ``migaki``."""

from migaki.cli.app import main

if __name__ == "__main__":
    main()
