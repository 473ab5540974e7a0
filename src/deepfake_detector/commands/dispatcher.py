"""`deepfake-detector COMMAND ...`: what an installed package offers in place of `src/*.py`.

The wheel has copies of those scripts beside this module (pyproject.toml); a clone has none.
"""

import argparse
import os
import sys
from importlib import import_module, metadata

PROGRAM = "deepfake-detector"
COMMANDS = {
    "predict": "find the faces of images and videos, and decide on videos",
    "app": "open a page on this machine that takes videos",
    "serve": "take videos of programs over HTTP",
    "score": "score anyone's detections against annotated faces",
    "convert": "convert annotations to CVAT, COCO, YOLO or CSV",
}
EXTRAS = {"keras": "keras", "tensorflow": "keras", "pyarrow": "score", "distributed": "cluster"}
"""What is installed only if it is asked for, by the name that it is imported under."""


class ShowVersion(argparse.Action):
    """Writes the version of the installed package, and ends."""

    def __call__(self, parser, *_) -> None:
        sys.stdout.write(f"{metadata.version(PROGRAM)}\n")
        parser.exit()


def main() -> None:
    """Run the command that the first argument names with the other arguments.

    Raises:
        SystemExit: as the command ends; with one line where an extra is not installed.
    """
    command, *others = parse_arguments()
    sys.argv = [f"{PROGRAM} {command}", *others]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # as start.py does
    try:
        import_module(f"{__package__}.{command}").main()
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        raise SystemExit(
            f"{command}: needs {error.name}, which is not installed; install the wheel with what "
            f"it has for that: pip install 'FILE.whl[{EXTRAS[error.name]}]'"
        ) from error


def parse_arguments() -> list[str]:
    """Return the command and its arguments, which are left to it."""
    listed = "\n".join(f"  {name:<9}{does}" for name, does in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=f"Is the face in this video real or fake?\n\ncommands:\n{listed}",
        epilog="deepfake-detector COMMAND --help says more",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="show it and end")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    found = parser.parse_args()
    return [found.command, *found.arguments]
