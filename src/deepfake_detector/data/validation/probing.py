"""Probing the videos of a data set: names, content, and what decodes, over processes.

What was found is kept by the content's hash, so that an unchanged video is not decoded again.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import av
from tqdm import tqdm

from deepfake_detector.common.files import hash_file
from deepfake_detector.common.parallel import Workers, add_progress, run_tasks
from deepfake_detector.video.media.errors import check_regular_file
from deepfake_detector.video.metadata import VideoMetadata, probe_video
from deepfake_detector.video.names import check_video_name, is_left_by_system

METADATA_VERSION = f"2, PyAV {av.__version__}"
"""Facts of another version are not used again. Raise the number when they would differ."""


@dataclass(frozen=True)
class Probe:
    """A video file: its content, and what is in it or why it cannot be used."""

    video: str
    sha256: str
    metadata: VideoMetadata | None
    problem: str


def list_videos(folder: Path) -> list[Path]:
    """List the files that should be videos, also folders; hidden files are left out.

    Raises:
        ValueError: there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: not there; put your videos into it, or run dvc pull")
    return sorted(path for path in folder.iterdir() if not is_left_by_system(path.name))


def probe_videos(
    paths: Sequence[Path], known: dict[str, dict], workers: int
) -> tuple[list[Probe], dict[str, dict]]:
    """Probe videos.

    Args:
        known: facts by hash of the content, as this function gave them before.

    Returns:
        Probes in the order of `paths`, and the facts by hash to be kept.
    """
    with ThreadPoolExecutor(workers) as threads:
        probes = list(threads.map(_identify, paths))
    probes = [replace(probe, metadata=_recall(known, probe.sha256)) for probe in probes]
    new = [index for index, probe in enumerate(probes) if not (probe.metadata or probe.problem)]
    items = [(paths[index], probes[index]) for index in new]
    total_bytes = sum(path.stat().st_size for path, _ in items)
    with tqdm(total=total_bytes, unit="B", unit_scale=True, desc="probe", disable=not new) as bar:
        for index, probe in run_tasks(_decode, items, Workers(workers), bar):
            probes[new[index]] = probe
    kept = {probe.sha256: asdict(probe.metadata) for probe in probes if probe.metadata}
    return probes, dict(sorted(kept.items()))


def _identify(path: Path) -> Probe:
    try:
        check_video_name(path.name)
        if path.is_dir():
            raise ValueError(f"{path.name}: a folder; put the videos directly into data/videos")
        check_regular_file(path)
        return Probe(path.name, hash_file(path), None, "")
    except ValueError as error:
        return Probe(path.name, "", None, str(error))


def _recall(known: dict[str, dict], sha256: str) -> VideoMetadata | None:
    return VideoMetadata(**known[sha256]) if sha256 in known else None


def _decode(item: tuple[Path, Probe]) -> Probe:
    path, probe = item
    try:
        return replace(probe, metadata=probe_video(path, threads=1))
    except ValueError as error:
        return replace(probe, problem=str(error))
    finally:
        add_progress(path.stat().st_size)
