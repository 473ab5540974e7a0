"""Open a page on this machine where people hand in a video or an image and see the verdict."""

import argparse
import logging
import tempfile
from pathlib import Path

import uvicorn

from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.inference.analysis import Expert
from deepfake_detector.inference.detector import load_detector
from deepfake_detector.reports.verdict_json import hash_model
from deepfake_detector.reports.writer import Examiner
from deepfake_detector.verdicts.calibration import load_calibration
from deepfake_detector.video.images import is_image, read_image
from deepfake_detector.video.sampling import choose_sampler, count_frames_in_header
from deepfake_detector.web.jobs import Desk, Judge, Tell
from deepfake_detector.web.server import make_server

HOST = "127.0.0.1"  # nobody else's machine reaches it
DETECTOR = Path("artifacts/train/detector.keras")
CALIBRATION = Path("artifacts/judge/calibration.json")

logger = logging.getLogger("app")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        open_page(load_params())
    except (ValueError, OSError) as error:
        raise SystemExit(f"app: {error}") from error


def open_page(params: Params) -> None:
    """Serve the page until it is stopped."""
    expert = Expert(load_detector(DETECTOR), load_calibration(CALIBRATION))
    judge = make_judge(expert, hash_model(DETECTOR, CALIBRATION), params)
    with tempfile.TemporaryDirectory(prefix="deepfake_detector_") as folder:
        desk = Desk(Path(folder), judge, params.app.cases_kept)
        logger.info("open http://%s:%d (Ctrl+C stops it)", HOST, params.app.port)
        try:
            server = make_server(desk, params.app.largest_megabytes)
            uvicorn.run(server, host=HOST, port=params.app.port, log_level="warning")
        finally:
            desk.close()


def make_judge(expert: Expert, hashes: dict, params: Params) -> Judge:
    """Make what judges a file that was handed in, within the limits of `app`."""

    def judge(path: Path, out: Path, tell: Tell) -> dict:
        if is_image(path):
            return Examiner(expert, hashes).judge_image(path, read_image(path), out)[0]
        expected = max(count_frames_in_header(path), 1)
        sampler = choose_sampler(path, params.predict.every, params.predict.most_frames)
        examiner = Examiner(
            expert, hashes, lambda doing, frames: tell(doing, min(frames / expected, 1.0))
        )
        return examiner.judge_video(path, sampler, out, params.app.longest_seconds)[0]

    return judge


if __name__ == "__main__":
    main()
