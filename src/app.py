"""Open a page on this machine where people hand in a video or an image and see the verdict."""

import argparse
import logging

import uvicorn

from deepfake_detector.common import cli
from deepfake_detector.config.schema import load_params
from deepfake_detector.inference.model_folders.model_options import add_model_options
from deepfake_detector.web.isolated_predictor import load_isolated_predictor
from deepfake_detector.web.jobs import JobQueue
from deepfake_detector.web.private_folder import open_private_folder
from deepfake_detector.web.server import listen, make_server

HOST = "127.0.0.1"  # nobody else's machine reaches it

logger = logging.getLogger("app")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_model_options(parser)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cli.run("app", lambda: open_page(arguments))


def open_page(arguments: argparse.Namespace) -> None:
    """Serve the page until it is stopped."""
    params = load_params()
    predictor = load_isolated_predictor(arguments, params)
    with open_private_folder() as folder, listen(HOST, params.app.port) as listening:
        queue = JobQueue(folder, predictor, params.app.max_kept_jobs, params.app.max_waiting_jobs)
        logger.info("open http://%s:%d (Ctrl+C stops it)", HOST, params.app.port)
        try:
            server = make_server(queue, params.app.max_megabytes)
            config = uvicorn.Config(server, log_level="warning")
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            queue.close()


if __name__ == "__main__":
    main()
