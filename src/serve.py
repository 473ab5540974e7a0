"""Serve programs over HTTP: they upload videos or images, which are judged one after the other.

Every request shows the token that the environment variable DEEPFAKE_DETECTOR_TOKEN holds
(docs/serving.md). Traffic is not encrypted: only this machine reaches the service, unless --host
says otherwise.
"""

import argparse
import logging
import os

import uvicorn

from deepfake_detector.common import cli
from deepfake_detector.config.schema import load_params
from deepfake_detector.inference.model_folders.model_options import add_model_options
from deepfake_detector.web.isolated_predictor import load_isolated_predictor
from deepfake_detector.web.jobs import JobQueue
from deepfake_detector.web.private_folder import open_private_folder
from deepfake_detector.web.server import listen
from deepfake_detector.web.service import make_service, read_token

logger = logging.getLogger("serve")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_model_options(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="to listen on (default: %(default)s); 0.0.0.0 in a container, whose port is "
        "published on 127.0.0.1",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cli.run("serve", lambda: serve(arguments))


def serve(asked: argparse.Namespace) -> None:
    """Serve until it is stopped."""
    params, token = load_params(), read_token(os.environ)
    predictor = load_isolated_predictor(asked, params)
    with open_private_folder() as folder, listen(asked.host, params.app.port) as listening:
        queue = JobQueue(folder, predictor, params.app.max_kept_jobs, params.app.max_waiting_jobs)
        logger.info("serving http://%s:%d/jobs (Ctrl+C stops it)", asked.host, params.app.port)
        try:
            service = make_service(queue, params.app.max_megabytes, token)
            config = uvicorn.Config(service, log_level="warning")
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            queue.close()


if __name__ == "__main__":
    main()
