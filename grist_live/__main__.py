"""`python -m grist_live`: see `python -m grist_live --help`."""

from grist_live.cli import main

if __name__ == "__main__":
    main()
