"""`python -m tools.engine`: print the folder to put on PATH, alone on stdout; progress goes to stderr."""

import sys

from tools.engine.processes import SetUpError, exit_on_signals
from tools.engine.sources import engine_folder


def main() -> int:
    """Prepare the engine and print its folder. Returns the exit code: 0 if there is an engine."""
    exit_on_signals()
    try:
        print(engine_folder())
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
