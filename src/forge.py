"""Make fakes of videos with exact annotations, in the layout of `data/`.

Of every video the largest face is forged, all others stay real. Beside its fakes stands the
original, encoded in the same way, so that compression does not tell the label. A folder that was
forged into before is added to. Methods:
  swap                  a donor's face; without --donor that of the next video
  self_blend            the face blended with a changed copy of itself
  expression_warp       another expression, as lip-sync and re-enactment give
  resynthesis           the face drawn anew by a small generator
  whole_resynthesis     all of the picture drawn anew, and so every face of it
  autoencoder_swap      a donor's face with the target's expression, drawn by a network that is
                        trained on the two videos first, five minutes or so
"""

import argparse
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake_detector.common import cli
from deepfake_detector.common.labels import FAKE, REAL
from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.data.annotations.annotation_writer import (
    AnnotatedVideo,
    add_video_rows,
    write_annotations,
)
from deepfake_detector.faces.mtcnn import MTCNNFaceDetector, choose_main_track, track_faces
from deepfake_detector.faces.offline_tracker import Track
from deepfake_detector.forging.autoencoder_forger import (
    cut_faces,
    cut_track,
    make_autoencoder_swap,
)
from deepfake_detector.forging.face_forger import sample_self_blend
from deepfake_detector.forging.landmark_forger import (
    make_expression_warp,
    make_resynthesis,
    resynthesize_frames,
)
from deepfake_detector.forging.video_forger import (
    Donor,
    Forger,
    forge_frames,
    make_self_blend,
    make_swap,
    read_donor,
)
from deepfake_detector.video.images import is_image
from deepfake_detector.video.metadata import probe_video
from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.writing import write_video

METHODS = ("swap", "self_blend")
"""What is done where no method is asked for."""

WHOLE = "whole_resynthesis"
AUTOENCODER = "autoencoder_swap"
MORE_METHODS = ("expression_warp", "resynthesis", WHOLE, AUTOENCODER)

logger = logging.getLogger("forge")


@dataclass(frozen=True)
class Target:
    """A video to forge and where its fakes go; the track is the face that is forged."""

    video: Path
    out: Path
    frames: int
    fps: float
    tracks: list[Track]
    main: Track


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--method",
        choices=(*METHODS, *MORE_METHODS, "both"),
        help="default: both, swap and self_blend; only self_blend for one video without a donor",
    )
    parser.add_argument("--donor", type=Path, metavar="VIDEO_OR_IMAGE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cli.run("forge", lambda: forge_as_asked(arguments, load_params()))


def forge_as_asked(arguments: argparse.Namespace, params: Params) -> None:
    """Choose methods and donors, and forge all videos that can be forged.

    Raises:
        ValueError: the arguments do not fit together, or some videos could not be forged.
    """
    methods = choose_methods(arguments.method, len(arguments.videos), arguments.donor)
    donors = choose_donors(arguments.videos, arguments.donor, methods)
    failed = forge(donors, methods, arguments.out, params)
    if failed:
        raise ValueError(f"{failed} of {len(donors)} videos could not be forged")


def choose_methods(method: str | None, videos: int, donor: Path | None) -> tuple[str, ...]:
    """Give the methods that are asked for; if none is, all that can be done.

    Raises:
        ValueError: a swap is asked for, and there is no face to take, or only one picture of it
            where a video is needed.
    """
    has_donor = donor is not None or videos > 1
    if method in ("swap", "both", AUTOENCODER) and not has_donor:
        raise ValueError("a swap needs --donor or a second video to take a face from")
    if method == AUTOENCODER and donor is not None and is_image(donor):
        raise ValueError(
            f"--donor {donor}: {AUTOENCODER} learns a person's expressions, which one picture "
            "does not show; give a video, or --method swap"
        )
    if method is None and not has_donor:
        logger.info("no --donor and no second video: self_blend only")
        return ("self_blend",)
    return METHODS if method in (None, "both") else (method,)


def choose_donors(
    videos: list[Path], donor: Path | None, methods: tuple[str, ...]
) -> dict[Path, Path | None]:
    """Give every video its donor: the one that is given, else the next video.

    Raises:
        ValueError: two videos have the same name.
    """
    stems = [video.stem for video in videos]
    if len(set(stems)) < len(stems):
        raise ValueError("two videos have the same name; rename one")
    if not {"swap", AUTOENCODER} & set(methods):
        return dict.fromkeys(videos)
    following = [*videos[1:], videos[0]]
    return {video: donor or after for video, after in zip(videos, following, strict=True)}


def forge(
    donors: dict[Path, Path | None], methods: tuple[str, ...], out: Path, params: Params
) -> int:
    """Forge all videos that can be forged; return how many cannot."""
    detector = MTCNNFaceDetector(params.annotate.min_face_px)
    failed = 0
    for number, (video, donor) in enumerate(donors.items(), 1):
        logger.info("[%d/%d] %s", number, len(donors), video.name)
        try:
            forge_video(
                find_target(video, out, detector, params), donor, methods, detector, params
            )
        except (ValueError, FileNotFoundError) as error:  # others are the machine's
            logger.error("[%d/%d] skipped: %s", number, len(donors), error)
            failed += 1
    return failed


def find_target(video: Path, out: Path, detector: MTCNNFaceDetector, params: Params) -> Target:
    """Find the faces of a video, looking at every frame.

    Raises:
        ValueError: it cannot be read, or has no face.
    """
    frames, tracks = track_faces(
        read_frames(video),
        detector,
        1,
        params.annotate.confidence,
        params.forge.smoothing_frames,
    )
    if not tracks:
        raise ValueError(f"{video.name}: expected a face to forge, found none")
    return Target(video, out, frames, probe_video(video).fps, tracks, choose_main_track(tracks))


def forge_video(
    target: Target,
    donor: Path | None,
    methods: tuple[str, ...],
    detector: MTCNNFaceDetector,
    params: Params,
) -> None:
    """Write the original, its fakes, their annotations and their rows of `videos.csv`."""
    stem = target.video.stem
    seed = [params.seed, zlib.crc32(stem.encode())]
    forgers: dict[str, tuple[Forger, str]] = {}
    if {"swap", AUTOENCODER} & set(methods):
        face = read_donor(
            donor, detector, params.annotate.confidence, params.forge.smoothing_frames
        )
    if "swap" in methods:
        forgers["swap"] = make_swap(target.main, face, params.forge.feather), donor.stem
    if AUTOENCODER in methods:
        forgers[AUTOENCODER] = train_swap(target, face, donor.name, seed, params), donor.stem
    if "self_blend" in methods:
        change = sample_self_blend(np.random.default_rng(seed))
        forgers["self_blend"] = make_self_blend(change, params.forge.feather), stem
    if "expression_warp" in methods:
        forgers["expression_warp"] = make_expression_warp(target.main, seed), stem
    if "resynthesis" in methods:
        forgers["resynthesis"] = make_resynthesis(target.main, seed), stem
    written = [write_original(target)]
    rows = [{"video": written[0].name, "source": stem, "identity": stem}]
    for method, (forger, identity) in forgers.items():
        written.append(write_fake(target, method, forger))
        rows.append(make_row(written[-1], stem, identity, method))
    if WHOLE in methods:
        written.append(write_redrawn(target, seed))
        rows.append(make_row(written[-1], stem, stem, WHOLE))
    for video in written:  # a file each, so that another run with other methods adds to them
        path = target.out / "annotations" / f"{Path(video.name).stem}.json"
        write_annotations(path, [video], "clay")
    add_video_rows(target.out / "videos.csv", rows)


def train_swap(
    target: Target, donor: Donor, donor_name: str, seed: list[int], params: Params
) -> Forger:
    """Train an autoencoder on the faces of the target and the donor, and forge by it.

    Raises:
        ValueError: one of them shows too few whole faces; names the file.
    """
    from deepfake_detector.forging.swap_autoencoder import train_drawers  # Keras

    faces = cut_track(read_frames(target.video), target.main, target.video.name)
    donor_faces = cut_faces(zip(donor.crops, donor.landmarks, strict=True), donor_name)
    steps = params.forge.autoencoder_steps
    _, drawer = train_drawers((faces, donor_faces), steps, seed)
    return make_autoencoder_swap(drawer.draw, params.forge.feather)


def make_row(fake: AnnotatedVideo, source: str, identity: str, method: str) -> dict[str, str]:
    """Make the row of `videos.csv` of a fake: whose video, whose face, by which method."""
    return {"video": fake.name, "source": source, "identity": identity, "method": method}


def write_original(target: Target) -> AnnotatedVideo:
    """Encode the original as its fakes are encoded."""
    name = f"{target.video.stem}.mp4"
    images = (image for _, image in read_frames(target.video))
    _write(target, name, images)
    return AnnotatedVideo(name, target.frames, target.tracks, [REAL] * len(target.tracks))


def write_fake(target: Target, method: str, forger: Forger) -> AnnotatedVideo:
    """Forge the main face of the video; the other faces stay real."""
    name = f"{target.video.stem}_{method}.mp4"
    _write(target, name, forge_frames(read_frames(target.video), target.main, forger))
    labels = [FAKE if track is target.main else REAL for track in target.tracks]
    return AnnotatedVideo(name, target.frames, target.tracks, labels)


def write_redrawn(target: Target, seed: list[int]) -> AnnotatedVideo:
    """Draw all of the video anew; no face of it is real."""
    name = f"{target.video.stem}_{WHOLE}.mp4"
    _write(target, name, resynthesize_frames(read_frames(target.video), seed))
    return AnnotatedVideo(name, target.frames, target.tracks, [FAKE] * len(target.tracks))


def _write(target: Target, name: str, images) -> None:
    path = target.out / "videos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.samefile(target.video):
        raise ValueError(f"{path}: the video to forge would be overwritten; choose another --out")
    write_video(path, images, target.fps)
    logger.info("  %s", path)


if __name__ == "__main__":
    main()
