"""Find the faces of videos and write an annotation file that `validate` accepts.

Every face of every video gets the label that is given: sort the videos by label first, and look
at the result. A video that cannot be read is named, and the others are annotated all the same.
"""

import argparse
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepfake_detector.common import cli
from deepfake_detector.common.labels import FACE_LABELS, name_to_label
from deepfake_detector.config.schema import AnnotateParams, load_params
from deepfake_detector.data.annotations.writer import AnnotatedVideo, write_annotations
from deepfake_detector.faces.mtcnn import MTCNNFaceDetector, track_faces
from deepfake_detector.video.reading import read_frames

REPORT_SECONDS = 10

logger = logging.getLogger("annotate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    parser.add_argument("--label", required=True, choices=FACE_LABELS)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")
    parser.add_argument(
        "--format", default="clay", choices=("clay", "csv"), help="Clay Sciences JSON (default)"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    label = name_to_label(arguments.label)
    cli.run(
        "annotate",
        lambda: annotate(
            arguments.videos, label, arguments.out, arguments.format, load_params().annotate
        ),
    )


def annotate(videos: list[Path], label: int, out: Path, form: str, params: AnnotateParams) -> None:
    """Write the annotations of all videos that can be read.

    Raises:
        ValueError: some cannot, after the others are written.
    """
    detector = MTCNNFaceDetector(params.min_face_px)
    annotated = []
    for number, video in enumerate(videos, 1):
        started = time.monotonic()
        try:
            found = annotate_video(video, label, detector, params)
        except (ValueError, OSError) as error:
            logger.error("[%d/%d] skipped: %s", number, len(videos), error)
            continue
        annotated.append(found)
        logger.info(
            "[%d/%d] %s: %d frames, %d faces, %.0f s",
            *(number, len(videos), found.name, found.frames, len(found.tracks)),
            time.monotonic() - started,
        )
    if annotated:
        write_annotations(out, annotated, form)
        logger.info("%d videos written to %s", len(annotated), out)
    if len(annotated) < len(videos):
        raise ValueError(
            f"{len(videos) - len(annotated)} of {len(videos)} videos could not be read"
        )


def annotate_video(
    video: Path, label: int, detector: MTCNNFaceDetector, params: AnnotateParams
) -> AnnotatedVideo:
    """Find the faces of one video."""
    frames, tracks = track_faces(
        report_frames(video),
        detector,
        params.frame_stride,
        params.confidence,
        params.smoothing_frames,
    )
    return AnnotatedVideo(video.name, frames, tracks, [label] * len(tracks))


def report_frames(video: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the frames of a video, and log now and then how far it is."""
    reported = time.monotonic()
    for number, image in read_frames(video):
        if time.monotonic() - reported > REPORT_SECONDS:
            reported = time.monotonic()
            logger.info("  %s: frame %d", video.name, number)
        yield number, image


if __name__ == "__main__":
    main()
