"""Cost of large annotations: a million rows of each kind of file, and 10,000 names of videos.

    python benchmarks/annotation_scale.py [--rows 1000000] [--videos 10000]

Each file is read in a process of its own; prints seconds, peak memory, and both over those of a
tenth of the rows: 10 is linear. Names are found among the videos and among a tenth of them.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from deepfake_detector.video.names import VideoNames  # noqa: E402

FRAMES = 1000  # faces in a row of each video


def write_csv(rows: int) -> Iterator[str]:
    """Yield the lines of a table of this project."""
    yield "video,frame,left,top,right,bottom,label\n"
    for row in range(rows):
        yield f"clip_{row // FRAMES}.mp4,{row % FRAMES},10.5,20.25,110.5,140.25,real\n"


def write_coco(rows: int) -> Iterator[str]:
    """Yield the parts of COCO JSON with videos, a face a frame."""
    yield '{"categories": [{"id": 1, "name": "real"}], "videos": ['
    yield ",".join(f'{{"id": {n}, "name": "clip_{n}.mp4"}}' for n in range(-(-rows // FRAMES)))
    yield '], "annotations": ['
    for row in range(rows):
        box = json.dumps({"id": row, "image_id": row, "category_id": 1, "bbox": [10, 20, 99, 99]})
        yield ("," if row else "") + box
    yield '], "images": ['
    for row in range(rows):
        image = {"id": row, "video_id": row // FRAMES, "frame_id": row % FRAMES}
        yield ("," if row else "") + json.dumps(image)
    yield "]}"


def write_cvat(rows: int) -> Iterator[str]:
    """Yield the lines of CVAT XML, a track of a thousand boxes after the other."""
    yield "<annotations><version>1.1</version>"
    for row in range(rows):
        if row % FRAMES == 0:
            yield f'<track id="{row // FRAMES}" label="real">\n'
        yield f'<box frame="{row % FRAMES}" outside="0" occluded="0" keyframe="1" xtl="10.50" '
        yield 'ytl="20.25" xbr="110.50" ybr="140.25" z_order="0"></box>\n'
        if row % FRAMES == FRAMES - 1 or row == rows - 1:
            yield "</track>"
    yield "</annotations>"


def write_clay(rows: int) -> Iterator[str]:
    """Yield the entries of a Clay Sciences export, a face a frame."""
    for row in range(rows):
        face = {"geometry": [10.5, 20.25, 100, 120], "attributes": {"0": "Real"}}
        url = f"https://example.org/clip_{row // FRAMES}.mp4"
        entry = {"Labeled Data": url, "Frame": str(row % FRAMES + 1), "Label": {"0": face}}
        yield ("," if row else "[") + json.dumps(entry)
    yield "]"


FORMS = {"csv": write_csv, "coco": write_coco, "cvat": write_cvat, "clay": write_clay}


def measure_reading(path: Path) -> tuple[float, float]:
    """Read a file in a process of its own: CPU seconds, and MB of memory beyond the imports."""
    ran = subprocess.run(
        [sys.executable, __file__, "--read", path], capture_output=True, text=True, check=True
    )
    seconds, megabytes = map(float, ran.stdout.split())
    return seconds, megabytes


def read(path: Path) -> None:
    """Read a file, and print seconds and MB."""
    from deepfake_detector.data.annotations.reader import read_annotation_file

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    found = read_annotation_file(path, {})
    seconds = time.process_time() - started
    assert len(found.faces), found.rejections
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(seconds, (peak - before) / 1024)


def measure_names(count: int) -> float:
    """Find as many names as there are videos; CPU seconds."""
    videos = [f"clip {number}.mp4" for number in range(count)]
    wanted = chain(videos, (f"clip {number}" for number in range(count)))
    started = time.process_time()
    names = VideoNames(videos)
    for name in wanted:
        names.find(name)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--videos", type=int, default=10_000)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read(arguments.read)
        return
    print(
        f"{'':<8}{'rows':>10}{'file MB':>9}{'CPU s':>8}{'MB':>7}"
        f"{'s / tenth':>11}{'MB / tenth':>12}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for form, write in FORMS.items():
            figures = {}
            for rows in (arguments.rows // 10, arguments.rows):
                path = Path(folder, "file.xml" if form == "cvat" else "file")
                with path.open("w") as file:
                    file.writelines(write(rows))
                figures[rows] = (*measure_reading(path), path.stat().st_size / 1e6)
            (few_s, few_mb, _), (seconds, megabytes, size) = figures.values()
            print(
                f"{form:<8}{arguments.rows:>10,}{size:>9.0f}{seconds:>8.1f}{megabytes:>7.0f}"
                f"{seconds / few_s:>11.1f}{megabytes / few_mb:>12.1f}",
                flush=True,
            )
    few, many = measure_names(arguments.videos // 10), measure_names(arguments.videos)
    print(f"names   {arguments.videos:>10,}{'':>9}{many:>8.2f}{'':>7}{many / few:>11.1f}")


if __name__ == "__main__":
    main()
