"""Where the stages read and write, below the folder that a script is started in."""

from pathlib import Path

DATA = Path("data")
VIDEOS = DATA / "videos"

RELEASED = Path("released")

CODE_LISTS = "artifacts/list_code/"
"""Begins the paths of the lists of code that the stages depend on."""

VALIDATED = Path("artifacts/validate")
ALIGNMENT = Path("artifacts/check_alignment")
WRONG_LABELS = Path("artifacts/find_wrong_labels")
SHARDS = Path("artifacts/extract_frames")
SPLIT_TABLES = Path("artifacts/split")
TRAINED = Path("artifacts/train")
EVALUATED = Path("artifacts/evaluate")
CALIBRATED = Path("artifacts/calibrate")
EXPORTED = Path("artifacts/export")

DETECTOR = TRAINED / "detector.keras"
START = TRAINED / "start.json"
"""Names the released folder that the detector was fine-tuned from; null: it was not."""

CALIBRATION = CALIBRATED / "calibration.json"
