"""Stage `list_code`: list the files of code that each other stage uses, with their hashes.

A stage of dvc.yaml depends on its list, so it is stale when its own code has changed, and only
then.
"""

import argparse
import logging
from pathlib import Path

from deepfake_detector.common import cli
from deepfake_detector.common.files import write_json
from deepfake_detector.common.used_code import SOURCE, hash_used_code

OUT = Path("artifacts/list_code")

logger = logging.getLogger("list_code")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="+", help="each the name of a script in src/")
    stages = parser.parse_args().stages
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run("list_code", lambda: list_code(stages))


def list_code(stages: list[str]) -> None:
    """Write `artifacts/list_code/STAGE.json` of each stage.

    Raises:
        ValueError: there is no script of that name, or an import is relative.
    """
    for stage in stages:
        script = SOURCE / f"{stage}.py"
        if not script.is_file():
            raise ValueError(f"{stage}: no script {script.name} in src/; correct dvc.yaml")
        write_json(hash_used_code(script), OUT / f"{stage}.json")
    logger.info("%d stages, see %s", len(stages), OUT)


if __name__ == "__main__":
    main()
