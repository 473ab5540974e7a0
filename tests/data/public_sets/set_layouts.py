"""Public data sets in miniature, each laid out as its own page says; clips of colored squares.

A face is a blue square (as it was filmed) or a red one (forged). Pages: see the modules of
`deepfake_detector.data.public_sets`.
"""

import json
from itertools import count
from pathlib import Path

import numpy as np

from clips import find_squares, make_frame
from deepfake_detector.faces.offline_tracker import FrameDetections
from deepfake_detector.video.writing import write_video

LEFT, RIGHT = (20, 30, 65, 85), (95, 30, 140, 85)  # left, top, right, bottom of a face, px
FRAMES = 6

_number = count()


class SquareFinder:
    """Stands in for MTCNN: finds squares of both colors."""

    def __init__(self, min_face_px):
        pass

    def detections(self, image, frame=0):
        boxes = [box for channel in (2, 0) for box in find_squares(image, channel)]
        sides = np.array([image.shape[1], image.shape[0]] * 2)
        boxes = np.array(boxes).reshape(-1, 4) * sides
        return FrameDetections(frame, boxes, np.zeros((len(boxes), 5, 2)), np.ones(len(boxes)))


def write(path: Path, *faces: tuple[str, tuple]) -> Path:
    """Write a clip with these faces, unlike all others by a row of black and white blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = make_frame(faces or [("real", LEFT)], gray=120)
    mark = next(_number)
    for bit in range(12):
        image[:8, 8 * bit : 8 * bit + 8] = 255 * (mark >> bit & 1)
    write_video(path, [image] * FRAMES, 25)
    return path


def write_real(path: Path) -> None:
    write(path, ("real", LEFT))


def write_fake(path: Path) -> None:
    write(path, ("fake", LEFT))


def make_faceforensics(folder: Path) -> None:
    """Two methods, pairs of six sequences, the lists of pairs, and a mask."""
    pairs = {"train": ("000", "003"), "val": ("720", "672"), "test": ("953", "974")}
    folder.mkdir()
    for split, (one, two) in pairs.items():
        (folder / f"{split}.json").write_text(json.dumps([[one, two]]))
        for name in (one, two):
            write_real(folder / f"original_sequences/youtube/c23/videos/{name}.mp4")
        for method in ("Deepfakes", "NeuralTextures"):
            for name in (f"{one}_{two}", f"{two}_{one}"):
                write_fake(folder / f"manipulated_sequences/{method}/c23/videos/{name}.mp4")
    write_fake(folder / "manipulated_sequences/Deepfakes/masks/videos/000_003.mp4")


def make_deepfakedetection(folder: Path) -> None:
    """Six actors in one scene each, three of whom are forged."""
    for actor in range(1, 7):
        scene = f"{actor:02d}__exit_phone_room.mp4"
        write_real(folder / f"original_sequences/actors/c23/videos/{scene}")
    for actor in range(1, 7):
        fake = f"{actor:02d}_{actor % 6 + 1:02d}__exit_phone_room__YVGY8LO{actor}.mp4"
        write_fake(folder / f"manipulated_sequences/DeepFakeDetection/c23/videos/{fake}")


def make_celeb_df(folder: Path) -> None:
    """Six people; the listed test clips are of two of them, and of one of YouTube."""
    for person in range(6):
        write_real(folder / f"Celeb-real/id{person}_0000.mp4")
        write_fake(folder / f"Celeb-synthesis/id{person}_id{(person + 1) % 6}_0000.mp4")
    for clip in ("00170", "00208"):
        write_real(folder / f"YouTube-real/{clip}.mp4")
    listed = ["1 YouTube-real/00170.mp4", "1 Celeb-real/id0_0000.mp4"]
    listed += ["0 Celeb-synthesis/id0_id1_0000.mp4", "0 Celeb-synthesis/id9_id1_0007.mp4"]
    (folder / "List_of_testing_videos.txt").write_text("\n".join(listed) + "\n")


def make_dfdc(folder: Path) -> None:
    """Two parts; an original that lies in the other part, one that is nowhere."""
    parts = [
        {
            "aagfhgtpmv.mp4": {"label": "FAKE", "split": "train", "original": "vudstovrck.mp4"},
            "vudstovrck.mp4": {"label": "REAL", "split": "train"},
            "abarnvbtwb.mp4": {"label": "REAL", "split": "train", "original": None},
            "gone.mp4": {"label": "REAL", "split": "train"},
        },
        {
            "aapnvogymq.mp4": {"label": "FAKE", "split": "train", "original": "abarnvbtwb.mp4"},
            "abofeumbvv.mp4": {"label": "FAKE", "split": "train", "original": "atvmxvwyns.mp4"},
            "acdkfksyev.mp4": {"label": "REAL", "split": "train"},
        },
    ]
    for number, rows in enumerate(parts):
        part = folder / f"dfdc_train_part_{number}"
        for name, row in rows.items():
            if name != "gone.mp4":
                (write_fake if row["label"] == "FAKE" else write_real)(part / name)
        (part / "metadata.json").write_text(json.dumps(rows))
    write_real(folder / "dfdc_train_part_1/stray.mp4")


def make_fakeavceleb(folder: Path) -> None:
    """Four people; forged sound alone; a row and a file too many, a file with two rows."""
    header = "source,target1,target2,method,category,type,race,gender,path,"
    rows = [header]

    def add(person, kind, method, category, name, exists=True):
        place = f"{kind}/African/men/{person}"
        rows.append(
            f"{person},-,-,{method},{category},{kind},African,men,{name},FakeAVCeleb/{place}"
        )
        if exists:
            path = folder / place / name
            if not path.is_file():
                (write_fake if kind.startswith("Fake") else write_real)(path)

    for person in ("id00076", "id00166", "id00168", "id00173"):
        add(person, "RealVideo-RealAudio", "real", "A", "00109.mp4")
        add(person, "FakeVideo-RealAudio", "faceswap", "C", "00109_id00701_faceswap.mp4")
        add(person, "FakeVideo-FakeAudio", "wav2lip", "D", "00109_10_id00476_wavtolip.mp4")
    add("id00076", "RealVideo-FakeAudio", "rtvc", "B", "00109_fake.mp4")
    add("id00076", "FakeVideo-FakeAudio", "wav2lip", "D", "00109_gone.mp4", exists=False)
    add("id00166", "FakeVideo-FakeAudio", "fsgan-wav2lip", "D", "00109_10_id00476_wavtolip.mp4")
    write_fake(folder / "FakeVideo-FakeAudio/African/men/id00076/stray.mp4")
    (folder / "meta_data.csv").write_text("\n".join(rows) + "\n")


def make_df40(folder: Path) -> None:
    """Two methods over clips of FaceForensics++ and Celeb-DF, and one with its own real videos."""
    for method in ("simswap", "wav2lip"):
        for name in ("000_003", "720_672"):
            write_fake(folder / method / "ff" / f"{name}.mp4")
        write_fake(folder / method / "cdf/videos/id0_id1_0000.mp4")
    write_real(folder / "heygen/real/anna.mp4")
    write_fake(folder / "heygen/fake/berta.mp4")
    write_real(folder / "simswap/cdf/real/id0_0000.mp4")
    write_real(folder / "simswap/ff/original/720.mp4")
    write_real(folder / "stray.mp4")


def make_plain(folder: Path) -> None:
    """Four people, forged by two methods; in one clip two people, of whom one is forged."""
    for name in ("anna", "bert", "carl"):
        write_real(folder / f"real/{name}.mp4")
        write_fake(folder / f"fake/swap/{name}.mp4")
        write_fake(folder / f"fake/reenact/{name}_2.mp4")
    write(folder / "real/pair.mp4", ("real", LEFT), ("real", RIGHT))
    write(folder / "fake/swap/pair.mp4", ("real", LEFT), ("fake", RIGHT))


LAYOUTS = {
    "FaceForensics++": make_faceforensics,
    "DeepFakeDetection": make_deepfakedetection,
    "Celeb-DF-v2": make_celeb_df,
    "DFDC": make_dfdc,
    "FakeAVCeleb": make_fakeavceleb,
    "DF40": make_df40,
    "my_clips": make_plain,
}

EXPECTED = {
    "FaceForensics++": (6, 12, 0, 0),
    "DeepFakeDetection": (6, 6, 0, 0),
    "Celeb-DF-v2": (8, 6, 0, 1),
    "DFDC": (3, 3, 1, 1),
    "FakeAVCeleb": (5, 8, 1, 1),
    "DF40": (3, 7, 1, 0),
    "my_clips": (4, 7, 0, 0),
}
"""Of each: real and fake videos, files without a row, rows without a file."""
