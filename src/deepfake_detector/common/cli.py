"""How a command ends: an expected error in one line with exit code 1, Ctrl-C with 130."""

import sys
from collections.abc import Callable

INTERRUPTED = 130
"""The exit code that shells give a command which Ctrl-C ended."""

_EXPECTED = (ValueError, OSError, FloatingPointError)
"""What is wrong with input, files, parameters or numbers; the message says all there is to say."""


def run(name: str, function: Callable[[], None], when_stopped: str = "") -> None:
    """Run the work of a command.

    Args:
        name: of the command; its messages begin with it.
        when_stopped: what a person should know after Ctrl-C, such as how to go on.

    Raises:
        SystemExit: with one line and code 1 after an expected error, with code 130 after Ctrl-C.
    """
    try:
        function()
    except _EXPECTED as error:
        raise SystemExit(f"{name}: {error}") from error
    except KeyboardInterrupt as error:
        sys.stderr.write("; ".join(filter(None, [f"{name}: stopped", when_stopped])) + "\n")
        raise SystemExit(INTERRUPTED) from error
