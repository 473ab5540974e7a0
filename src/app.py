"""Open a page on this machine where people hand in a video or an image and see the verdict."""

import argparse
import logging

import uvicorn

from deepfake_detector.common import cli
from deepfake_detector.config.schema import load_params
from deepfake_detector.inference.predictor import DeepfakePredictor
from deepfake_detector.video.isolated_decoder import IsolatedDecoder
from deepfake_detector.video.sampling import Sampling
from deepfake_detector.web.jobs import JobQueue
from deepfake_detector.web.private_folder import open_private_folder
from deepfake_detector.web.server import listen, make_server

HOST = "127.0.0.1"  # nobody else's machine reaches it

logger = logging.getLogger("app")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model",
        metavar="released|trained|FOLDER",
        help="default: what was trained, with a calibration that belongs to it, else the released",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cli.run("app", lambda: open_page(arguments.model))


def open_page(model: str | None) -> None:
    """Serve the page until it is stopped."""
    params = load_params()
    sampling = Sampling(
        params.predict.frame_stride, params.predict.max_frames, params.app.max_seconds
    )
    predictor = DeepfakePredictor.load(model, sampling, params.inference.engine, IsolatedDecoder())
    with open_private_folder() as folder, listen(HOST, params.app.port) as listening:
        queue = JobQueue(folder, predictor, params.app.max_kept_jobs)
        logger.info("open http://%s:%d (Ctrl+C stops it)", HOST, params.app.port)
        try:
            server = make_server(queue, params.app.max_megabytes)
            config = uvicorn.Config(server, log_level="warning")
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            queue.close()


if __name__ == "__main__":
    main()
