"""Recompute the released detector's figures from its verdicts on the test videos.

  python benchmarks/released.py

Reads `released/test_verdicts.csv` (fetch it with `dvc pull released`) and prints a table by kind
of forgery, by data set and label, and over all, and the rank correlation of real faces' scores
with how they were filmed, with 95 % intervals by drawing people. Nothing is analyzed anew: the
test videos are read once, by `src/release.py`.
"""

import argparse
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def main() -> None:
    sys.path.insert(0, str(PROJECT / "src"))
    from deepfake_detector.common.tables import read_table
    from deepfake_detector.config.schema import PARAMS_FILE, load_params
    from deepfake_detector.training.make_release import (
        CONDITIONS,
        VERDICT_COLUMNS,
        measure_verdicts,
    )

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--released", type=Path, default=PROJECT / "released")
    path = parser.parse_args().released / "test_verdicts.csv"
    if not path.is_file():
        raise SystemExit(f"released: {path} is not there; run `dvc pull released`")
    verdicts = read_table(path).reindex(columns=VERDICT_COLUMNS, fill_value="")
    numbers = ["probability", "score", *CONDITIONS]  # empty: cannot tell, or not measured
    verdicts[numbers] = verdicts[numbers].replace("", "nan").astype(float)
    results = measure_verdicts(verdicts, load_params(PROJECT / PARAMS_FILE))
    print(results.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
