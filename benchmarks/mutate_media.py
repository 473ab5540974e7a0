"""Thousands of damaged files of every kind that others hand in: each is read, or rejected by name.

    python benchmarks/mutate_media.py --count 10000

Videos, images and saved models have their bytes changed; parameters and calibrations are changed
where their structure is. Prints what came out for each kind. Anything but a result or a rejection
that names the file is a fault: it is printed with the seed that makes it again, and the exit code
is 1.
"""

import argparse
import collections
import copy
import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "src")]

import av  # noqa: E402
from benchmarks.mutate_annotations import mutate_table  # noqa: E402

from deepfake_detector.config.schema import load_params  # noqa: E402
from deepfake_detector.data.validation.video_list import read_video_list  # noqa: E402
from deepfake_detector.inference.detector import check_archive  # noqa: E402
from deepfake_detector.verdicts.calibration import load_calibration  # noqa: E402
from deepfake_detector.video.frame_reader import FrameReader  # noqa: E402
from deepfake_detector.video.images import is_image, read_image, write_image  # noqa: E402
from deepfake_detector.video.metadata import probe_video  # noqa: E402
from deepfake_detector.video.packets import scan_packets  # noqa: E402
from deepfake_detector.video.writing import write_video  # noqa: E402

MAX_SECONDS, MAX_WAIT_SECONDS = 10, 120  # of CPU time; until it ends, on a busy machine
VIDEO_ENDINGS = ("mp4", "mkv", "avi", "mov", "ts", "flv", "gif", "y4m")
IMAGE_ENDINGS = ("jpg", "png", "webp", "bmp", "tiff")
ODD_NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 63)
ODD_VALUES = (
    *(None, True, -1, 0, 1e308, float("inf"), float("nan"), 10**30, "", "NA", "x" * 9000, [], {}),
    *([[[]]], [1, "a"], {"a": 1}, "!!int 3", "*a", "\0", "1e5", -0.0, 2**53, [-1.0] * 500),
)


LISTED = """video,source,identity,split,frame_offset,licence,method,method_group,dataset
a.mp4,clip 1,ann,train,-3,CC BY 4.0,,,
b,clip 1,"ann, bob",test,0,MIT,FaceSwap,swap,FF++
c d.mkv,NA,,,1,,,,
"""


class FaultError(Exception):
    """Neither a result nor a rejection."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: its whole examples by name, how to damage one, and how to read it."""

    examples: dict[str, bytes]
    damage: Callable[[bytes, random.Random], bytes]
    read: Callable[[Path], object]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="files in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first file (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcomes, faults = run_campaign(Path(folder), arguments.count, arguments.seed)
    for kind, counts in outcomes.items():
        print(f"{kind:12}", ", ".join(f"{name} {n}" for name, n in sorted(counts.items())))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak of memory: {peak:.0f} MB; faults: {len(faults)}")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def run_campaign(
    folder: Path, count: int, seed: int
) -> tuple[dict[str, collections.Counter], list[str]]:
    """Damage and read `count` files, of each kind as many.

    Returns:
        Counts of `read` and `rejected` by kind, and a text for each fault.
    """
    kinds = make_kinds(folder)
    outcomes = {name: collections.Counter() for name in kinds}
    faults = []
    for number in range(seed, seed + count):
        name = list(kinds)[number % len(kinds)]
        try:
            outcomes[name][try_one(kinds[name], number, folder)] += 1
        except FaultError as fault:
            faults.append(f"{name}, --seed {number} --count 1: {fault}")
    return outcomes, faults


def try_one(kind: Kind, seed: int, folder: Path) -> str:
    """Damage an example and read it: `read` or `rejected`."""
    rng = random.Random(seed)
    name = rng.choice(sorted(kind.examples))
    path = folder / f"damaged_{name}"
    path.write_bytes(kind.damage(kind.examples[name], rng))
    begin = time.process_time()
    try:
        with _alarm():
            kind.read(path)
    except ValueError as error:
        if path.stem not in str(error):
            raise FaultError(f"{name}: a rejection that does not name it: {error}") from error
        return "rejected"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        where = traceback.format_exc().strip().splitlines()
        raise FaultError(f"{name}: {error!r}; {' '.join(where[-3:])}") from error
    finally:
        path.unlink()
        seconds = time.process_time() - begin
        if seconds > MAX_SECONDS:
            raise FaultError(f"{name}: took {seconds:.0f} seconds")
    return "read"


@contextmanager
def _alarm():
    def fail(*_):
        raise FaultError(f"no end after {MAX_WAIT_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(MAX_WAIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def make_kinds(folder: Path) -> dict[str, Kind]:
    """Make whole examples of every kind."""
    videos = {"videos.csv": LISTED.encode()}
    params = {"params.yaml": (PROJECT / "params.yaml").read_bytes()}
    return {
        "video": Kind(make_videos(folder), damage_bytes, read_video),
        "image": Kind(make_images(folder), damage_bytes, read_image),
        "keras": Kind({"model.keras": make_archive(folder)}, damage_bytes, check_archive),
        "videos.csv": Kind(videos, damage_table, read_list),
        "params": Kind(params, damage_lines, load_params),
        "calibration": Kind(
            {"calibration.json": make_calibration()}, damage_json, load_calibration
        ),
    }


def read_list(path: Path) -> None:
    """Read a list of videos; rows that are rejected are written."""
    for rejection in read_video_list(path, ["a.mp4", "b.mp4", "c d.mkv"]).rejections:
        rejection.reason.encode()


def read_video(path: Path) -> None:
    """Read a file in every way that this project reads a video."""
    if is_image(path):
        read_image(path)
        return
    problems = []
    for read in (probe_video, scan_packets, read_all_frames):
        try:
            read(path)
        except ValueError as error:
            problems.append(error)
    if problems:
        raise problems[0]


def read_all_frames(path: Path) -> None:
    """Read a video as `predict` does."""
    for _ in FrameReader(path, scan_packets(path), 60).read(lambda number: True):
        pass


def make_videos(folder: Path) -> dict[str, bytes]:
    """Make a clip of 12 frames in each container."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    frames = [np.roll(image, 2 * number, axis=1) for number in range(12)]
    write_video(folder / "clip.mp4", frames, fps=25)
    videos = {"clip.mp4": (folder / "clip.mp4").read_bytes()}
    for ending in VIDEO_ENDINGS[1:]:
        path = folder / f"clip.{ending}"
        codec = {"gif": "gif", "y4m": "rawvideo", "avi": "mpeg4", "flv": "flv"}.get(ending)
        with av.open(str(path), "w", format={"y4m": "yuv4mpegpipe"}.get(ending)) as container:
            stream = container.add_stream(codec or "libx264", rate=25)
            stream.width, stream.height = 64, 48
            stream.pix_fmt = "rgb8" if ending == "gif" else "yuv420p"
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        videos[path.name] = path.read_bytes()
    return videos


def make_images(folder: Path) -> dict[str, bytes]:
    """Make an image in each format."""
    image = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    images = {}
    for ending in IMAGE_ENDINGS:
        write_image(folder / f"image.{ending}", image)
        images[f"image.{ending}"] = (folder / f"image.{ending}").read_bytes()
    return images


def make_archive(folder: Path) -> bytes:
    """Make a ZIP file laid out as Keras saves a model."""
    import zipfile

    weights = np.random.default_rng(2).normal(size=5000).tobytes()
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", weights)
    return (folder / "model.keras").read_bytes()


def make_calibration() -> bytes:
    """Make a calibration as the stage writes it."""
    sys.path.insert(0, str(PROJECT / "tests"))
    from builders import make_calibration as make

    return make().model_dump_json().encode()


def damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """Change, cut, double, fill or move some bytes; headers more often than the rest."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        place = rng.randrange(min(len(data), rng.choice((64, 512, len(data)))) or 1)
        length = rng.choice((1, 2, 4, 8, 64, 1000))
        way = rng.randrange(7)
        if way == 0:
            data[place : place + 1] = bytes([rng.randrange(256)])
        elif way == 1:
            value = rng.choice(ODD_NUMBERS)
            size = rng.choice((2, 4, 8))
            packed = (value % (1 << 8 * size)).to_bytes(size, rng.choice(("big", "little")))
            data[place : place + size] = packed
        elif way == 2:
            del data[place : place + length]
        elif way == 3:
            data[place:place] = data[place : place + length]
        elif way == 4:
            data[place : place + length] = bytes(length)
        elif way == 5:
            data[place : place + length] = rng.randbytes(length)
        else:
            del data[max(1, int(len(data) * rng.random())) :]
        if not data:
            break
    return bytes(data)


def damage_table(content: bytes, rng: random.Random) -> bytes:
    """Change, double, move and remove cells and lines of a table, or damage bytes."""
    if rng.random() < 0.2:
        return damage_bytes(content, rng)
    text = content.decode()
    for _ in range(rng.choice((1, 1, 3))):
        text = mutate_table(text, rng)
    return text.encode("utf-8", "surrogatepass")


def damage_lines(content: bytes, rng: random.Random) -> bytes:
    """Change values of YAML, double, move and remove lines, or damage bytes."""
    lines = content.decode().splitlines()
    for _ in range(rng.choice((1, 1, 3))):
        place = rng.randrange(len(lines))
        key, colon, _ = lines[place].partition(":")
        way = rng.randrange(6)
        if way == 0 and colon:
            value = rng.choice(ODD_VALUES)
            text = value if isinstance(value, str) else json.dumps(value)
            lines[place] = f"{key}: {text}"
        elif way == 1:
            lines.insert(rng.randrange(len(lines)), lines[place])
        elif way == 2 and len(lines) > 1:
            del lines[place]
        elif way == 3:
            lines[place] = " " * rng.randrange(5) + lines[place].lstrip()
        elif way == 4 and colon:
            lines[place] = f"{key}: {rng.choice(('!!timestamp a', '&a 1', '*a', '[', '- -', '|'))}"
        else:
            return damage_bytes("\n".join(lines).encode(), rng)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def damage_json(content: bytes, rng: random.Random) -> bytes:
    """Change, remove or add values at any depth of JSON, or damage bytes."""
    if rng.random() < 0.2:
        return damage_bytes(content, rng)
    values = json.loads(content)
    for _ in range(rng.choice((1, 1, 3))):
        part, key = values, rng.choice(list(values) or ["new"])
        while isinstance(part.get(key) if isinstance(part, dict) else part[key], (dict, list)):
            inner = part[key]
            if not inner or rng.random() < 0.3:
                break
            part, key = (
                inner,
                rng.choice(list(inner) if isinstance(inner, dict) else range(len(inner))),
            )
        if rng.random() < 0.2 and isinstance(part, dict):
            part.pop(key, None)
        else:
            part[key] = copy.deepcopy(rng.choice(ODD_VALUES))
    return json.dumps(values).encode()


if __name__ == "__main__":
    sys.exit(main())
