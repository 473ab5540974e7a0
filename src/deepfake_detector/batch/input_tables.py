"""The tables about all inputs: verdicts.csv, faces.csv, faces.json and rejected.csv.

Outcomes are read one after the other, so that memory holds the faces of one input at a time.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from deepfake_detector.batch.analyze_input import FACE_ROW
from deepfake_detector.batch.outcome import Outcome
from deepfake_detector.common.files import replace_file
from deepfake_detector.common.tables import Rejection, write_rejections, write_table

VERDICT_COLUMNS = [
    *["video", "answer", "probability", "reason", "model", "file_sha256", "seconds_taken"],
    "error",
]
"""`error`: why there is no answer, or why the video ends before its end; else empty."""


def write_tables(outcomes: Iterable[Outcome], folder: Path) -> None:
    """Write all tables about outcomes, in their order, into a folder that is there.

    Images are in the tables of faces alone.
    """
    rows, rejections = [], []
    with (
        replace_file(folder / "faces.csv") as faces_csv,
        replace_file(folder / "faces.json") as faces_json,
        _open(faces_csv) as csv_file,
        _open(faces_json) as json_file,
    ):
        csv_file.write(",".join(["file", *FACE_ROW]) + "\n")
        separator = "["
        for outcome in outcomes:
            table = pd.DataFrame(outcome.faces, columns=FACE_ROW)
            table.insert(0, "file", outcome.file)
            table.to_csv(csv_file, header=False, index=False, lineterminator="\n")
            if outcome.faces:
                records = table.to_dict(orient="records")
                text = json.dumps(records, indent=1, ensure_ascii=False)
                json_file.write(separator + text.removeprefix("[").removesuffix("\n]"))
                separator = ","
            if outcome.error:
                rejections.append(Rejection(outcome.file, None, outcome.error))
            if outcome.error or outcome.verdict:
                rows.append(_make_row(outcome))
        json_file.write("[]\n" if separator == "[" else "\n]\n")
    write_table(pd.DataFrame(rows, columns=VERDICT_COLUMNS), folder / "verdicts.csv")
    write_rejections(rejections, folder / "rejected.csv")


def _make_row(outcome: Outcome) -> dict:
    error = outcome.error or outcome.ended_early
    return {"video": outcome.file, **outcome.verdict, "error": error}


def _open(path: Path):
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
