"""Find the faces of videos and write an annotation file that `validate` accepts.

Every face of every video gets the label that is given: sort the videos by label first, and look
at the result. With --dataset, a public data set (FaceForensics++, DeepFakeDetection, DFDC,
Celeb-DF, FakeAVCeleb, DF40, or folders real/ and fake/[METHOD/]) becomes a folder laid out as
data/: videos, annotations, videos.csv; of a fake whose original is there, only the faces that
differ from it are fake. Called again after an interruption, it goes on where it was. A video that
cannot be read is named, and the others are annotated all the same.
"""

import argparse
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepfake_detector.common import cli
from deepfake_detector.common.labels import FACE_LABELS, name_to_label
from deepfake_detector.common.parallel import count_workers
from deepfake_detector.config.schema import AnnotateParams, load_params
from deepfake_detector.data.annotations.writer import AnnotatedVideo, write_annotations
from deepfake_detector.data.public_sets.annotate_set import annotate_set
from deepfake_detector.data.public_sets.recognition import list_public_set
from deepfake_detector.data.public_sets.set_splits import keep_own_split, keep_people_apart
from deepfake_detector.faces.mtcnn import MTCNNFaceDetector, track_faces
from deepfake_detector.video.reading import read_frames

REPORT_SECONDS = 10
MAX_NAMED = 10

logger = logging.getLogger("annotate")


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if arguments.dataset:
        cli.run(
            "annotate",
            lambda: annotate_dataset(
                arguments.dataset, arguments.out, arguments.by_person, arguments.workers
            ),
            when_stopped="what is found is kept; the same command goes on",
        )
        return
    label = name_to_label(arguments.label)
    cli.run(
        "annotate",
        lambda: annotate(
            arguments.videos, label, arguments.out, arguments.format, load_params().annotate
        ),
    )


def parse_arguments() -> argparse.Namespace:
    """Read the command line: either videos and their label, or a data set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--label", choices=FACE_LABELS, help="of all faces of the videos")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="PATH",
        help="file of annotations; of a data set the folder, for example data",
    )  # fmt: skip
    parser.add_argument(
        "--format", default="clay", choices=("clay", "csv"), help="Clay Sciences JSON (default)"
    )
    parser.add_argument("--dataset", type=Path, metavar="FOLDER", help="a public data set")
    parser.add_argument(
        "--by-person", action="store_true",
        help="of a data set: leave its own split out, and keep people apart",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=int, default=count_workers(),
        help="processes for a data set (default: %(default)s, the CPUs)",
    )  # fmt: skip
    arguments = parser.parse_args()
    if bool(arguments.dataset) == bool(arguments.videos):
        parser.error("expected either videos or --dataset FOLDER")
    if arguments.videos and not arguments.label:
        parser.error("videos need --label real or --label fake")
    return arguments


def annotate_dataset(folder: Path, out: Path, by_person: bool, workers: int) -> None:
    """Make a data folder of a public data set, and say what does not fit together.

    Raises:
        ValueError: no data set is recognized, or some of its videos cannot be read, after the
            others are written.
    """
    listed = list_public_set(folder)
    clips, notes = (keep_people_apart if by_person else keep_own_split)(listed.clips)
    fakes = sum(clip.label == "fake" for clip in clips)
    logger.info("%s: %d real and %d fake videos", listed.name, len(clips) - fakes, fakes)
    log_some("%d entries of its lists have no file", listed.missing)
    log_some("%d files are in none of its lists", listed.unlisted)
    for note in notes:
        logger.warning("%s: %s", listed.name, note)
    made = annotate_set(listed, clips, out, load_params().annotate, workers)
    readable = [result for result in made.results if not result.problem]
    log_some("%d videos show no face", [r.video for r in readable if r.faces == 0])
    log_some(
        "%d fakes show several faces, all labelled fake, as no original is there or no face of it "
        "stands out; correct their labels", [r.video for r in readable if r.is_unsure],
    )  # fmt: skip
    problems = [result.problem for result in made.results if result.problem]
    log_some("%d videos cannot be read", problems)
    faces = sum(result.faces for result in readable)
    logger.info("%d videos with %d faces written to %s", len(made.clips), faces, out)
    if problems:
        raise ValueError(f"{len(problems)} of {len(clips)} videos could not be read")


def log_some(message: str, names: list[str]) -> None:
    """Log how many there are, and some of their names."""
    if names:
        shown = ", ".join(names[:MAX_NAMED]) + (" ..." if len(names) > MAX_NAMED else "")
        logger.warning(message + ": %s", len(names), shown)


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
