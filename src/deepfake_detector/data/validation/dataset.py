"""A data set as it lies in its folder: what its files hold, before anything is checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deepfake_detector.data.annotations.reader import AnnotatedFaces, read_annotation_folder
from deepfake_detector.data.validation.annotation_table import NamedVideos, find_named_videos
from deepfake_detector.data.validation.probing import Probe, list_videos, probe_videos
from deepfake_detector.data.validation.video_list import VideoList, read_video_list


@dataclass(frozen=True)
class Dataset:
    """What the files of a data set hold.

    Attributes:
        videos_folder: where the videos lie.
        probes: of every file among the videos, in the order of their names.
        listed: what the user says about them.
        annotated: the faces of all annotation files.
        named: the videos that the names in annotations mean.
        metadata: what decoding found, by the hash of the content, for the next
            `load_dataset`.
    """

    videos_folder: Path
    probes: list[Probe]
    listed: VideoList
    annotated: AnnotatedFaces
    named: NamedVideos
    metadata: dict[str, dict]


def load_dataset(
    folder: Path, csv_columns: Mapping[str, str], metadata: dict[str, dict], workers: int
) -> Dataset:
    """Read the videos, the annotations and the list of videos below a folder.

    Args:
        csv_columns: of CSV annotations: column of each field that goes by no usual name.
        metadata: of videos that were decoded before, by the hash of their content.

    Raises:
        ValueError: there is no folder of videos, or the list of videos cannot be read.
    """
    videos_folder = folder / "videos"
    paths = list_videos(videos_folder)
    names = [path.name for path in paths]
    listed = read_video_list(folder / "videos.csv", names)
    probes, metadata = probe_videos(paths, metadata, workers)
    annotated = read_annotation_folder(folder / "annotations", csv_columns)
    said = [
        *annotated.faces["name"].unique(),
        *(row.name for row in (*annotated.lost, *annotated.corrections)),
    ]
    named = find_named_videos(said, names)
    return Dataset(videos_folder, probes, listed, annotated, named, metadata)
