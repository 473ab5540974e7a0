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
from deepfake_detector.reports.writer import ReportWriter
from deepfake_detector.verdicts.calibration import load_calibration
from deepfake_detector.video.images import is_image, read_image
from deepfake_detector.video.sampling import choose_sampler, count_frames_in_header
from deepfake_detector.web.jobs import Analyze, JobQueue, OnProgress
from deepfake_detector.web.server import make_server

HOST = "127.0.0.1"  # nobody else's machine reaches it
DETECTOR = Path("artifacts/train/detector.keras")
CALIBRATION = Path("artifacts/calibrate/calibration.json")

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
    analyze = make_analyze(expert, hash_model(DETECTOR, CALIBRATION), params)
    with tempfile.TemporaryDirectory(prefix="deepfake_detector_") as folder:
        queue = JobQueue(Path(folder), analyze, params.app.max_kept_jobs)
        logger.info("open http://%s:%d (Ctrl+C stops it)", HOST, params.app.port)
        try:
            server = make_server(queue, params.app.max_megabytes)
            uvicorn.run(server, host=HOST, port=params.app.port, log_level="warning")
        finally:
            queue.close()


def make_analyze(expert: Expert, hashes: dict, params: Params) -> Analyze:
    """Make what judges a file that was handed in, within the limits of `app`."""

    def analyze(path: Path, out: Path, on_progress: OnProgress) -> dict:
        if is_image(path):
            return ReportWriter(expert, hashes).calibrate_image(path, read_image(path), out)[0]
        expected = max(count_frames_in_header(path), 1)
        sampler = choose_sampler(path, params.predict.frame_stride, params.predict.max_frames)
        examiner = ReportWriter(
            expert, hashes, lambda phase, frames: on_progress(phase, min(frames / expected, 1.0))
        )
        return examiner.decide_video(path, sampler, out, params.app.max_seconds)[0]

    return analyze


if __name__ == "__main__":
    main()
