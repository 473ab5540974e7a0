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
from pathlib import Path

from tqdm import tqdm

from deepfake_detector.common import cli
from deepfake_detector.common.labels import FACE_LABELS, name_to_label
from deepfake_detector.common.parallel import Workers, run_tasks
from deepfake_detector.common.worker_options import add_worker_options, read_workers
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.annotations.annotate_video import VideoToAnnotate, annotate_video
from deepfake_detector.data.annotations.annotation_writer import AnnotatedVideo, write_annotations
from deepfake_detector.data.public_sets.annotate_set import annotate_set
from deepfake_detector.data.public_sets.recognition import list_public_set
from deepfake_detector.data.public_sets.set_splits import keep_own_split, keep_people_apart

MAX_NAMED = 10

logger = logging.getLogger("annotate")


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cli.run(
        "annotate",
        lambda: (annotate_dataset if arguments.dataset else annotate_videos)(arguments),
        when_stopped="what is found in a data set is kept; the same command goes on",
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
    add_worker_options(parser, "processes for a data set (default: the CPUs)")
    arguments = parser.parse_args()
    if bool(arguments.dataset) == bool(arguments.videos):
        parser.error("expected either videos or --dataset FOLDER")
    if arguments.videos and not arguments.label:
        parser.error("videos need --label real or --label fake")
    return arguments


def annotate_dataset(arguments: argparse.Namespace) -> None:
    """Make a data folder of a public data set, and say what does not fit together.

    Raises:
        ValueError: no data set is recognized, or some of its videos cannot be read, after the
            others are written.
    """
    listed, out = list_public_set(arguments.dataset), arguments.out
    clips, notes = (keep_people_apart if arguments.by_person else keep_own_split)(listed.clips)
    fakes = sum(clip.label == "fake" for clip in clips)
    logger.info("%s: %d real and %d fake videos", listed.name, len(clips) - fakes, fakes)
    log_some("%d entries of its lists have no file", listed.missing)
    log_some("%d files are in none of its lists", listed.unlisted)
    for note in notes:
        logger.warning("%s: %s", listed.name, note)
    made = annotate_set(listed, clips, out, load_params().annotate, read_workers(arguments))
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


def annotate_videos(arguments: argparse.Namespace) -> None:
    """Annotate the videos that the arguments name; here in one process, which uses all cores."""
    params, label = load_params().annotate, name_to_label(arguments.label)
    videos = [VideoToAnnotate(path, label, params) for path in arguments.videos]
    annotate(videos, arguments.out, arguments.format, Workers(1, arguments.cluster))


def annotate(videos: list[VideoToAnnotate], out: Path, form: str, workers: Workers) -> None:
    """Write the annotations of all videos that can be read.

    Raises:
        ValueError: some cannot, after the others are written.
    """
    annotated: dict[int, AnnotatedVideo] = {}
    with tqdm(disable=True) as bar:
        results = run_tasks(annotate_video, videos, workers, bar)
        for number, (index, done) in enumerate(results, 1):
            if done.video is None:
                logger.error("[%d/%d] skipped: %s", number, len(videos), done.problem)
                continue
            annotated[index] = done.video
            logger.info(
                "[%d/%d] %s: %d frames, %d faces, %.0f s",
                *(number, len(videos), done.video.name, done.video.frames),
                *(len(done.video.tracks), done.seconds_taken),
            )
    if annotated:
        write_annotations(out, [annotated[index] for index in sorted(annotated)], form)
        logger.info("%d videos written to %s", len(annotated), out)
    if len(annotated) < len(videos):
        raise ValueError(
            f"{len(videos) - len(annotated)} of {len(videos)} videos could not be read"
        )


if __name__ == "__main__":
    main()
