"""`foldglass` and `python -m foldglass`: the command line."""

import sys


def main() -> int:
    """Run one command; an interruption is one line too while Python still loads the commands."""
    try:
        from foldglass.app.main import main as run
    except KeyboardInterrupt:
        print("foldglass: stopped", file=sys.stderr)
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
