"""Importers of annotations against damaged exports: are they read or rejected, and nothing else?

    python benchmarks/mutate_annotations.py [--inputs 2000] [--seed 20]

Each input is an export of the tests with one to four mutations: of its structure (a value replaced
by another kind, an entry taken away, given twice or nested deeper, a number made absurd, a text
made long or strange) or of its text. Prints, for each export, how many were read without and with
rejections and how many were rejected whole; ends with code 1 on any other exception, an input of
over 10 seconds, or over 1 GB.
"""

import argparse
import json
import random
import re
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from deepfake_detector.data.annotations.reader import read_annotation_folder  # noqa: E402

EXPORTS = PROJECT / "tests/data/annotations/exports"
MAX_SECONDS = 10
MAX_BYTES = 1 << 30
NAMES = (
    *("cvat_video.xml", "cvat_images.xml", "coco_images.json", "coco_video.json"),
    *("label_studio.json", "via_project.json", "via_annotations.json", "via.csv"),
    *("pascal_voc", "yolo", "csv_corners.csv", "csv_sizes.csv", "csv_fractions.csv"),
    *("csv_own.csv", "csv_2020.csv", "clay_sciences.json", "label_corrections.csv"),
)
STRANGE = (
    *(None, True, "", [], {}, [[]], {"": {}}, 0, -1, 1.5, "1_0", "17.0", "NaN", "inf", "-0"),
    *(10**9, -(10**9), 10**30, 10**400, 1e308, -1e308, float("nan"), float("inf"), "9" * 400),
    *("0x10", "٣", "\ud800", "\x00", "\u202e", "é" * 5000, "../../etc", "a/b", "frame_000001.png"),
    *(
        "clip_00000000000000001.jpg",
        "Real",
        "FAKE",
        "&amp;",
        "<b>",
        "[" * 2000,
        ",",
        "\n",
        "real\r",
    ),
)


def mutate_tree(value, generator: random.Random):
    """Change one place of a JSON value; return the changed value."""
    path, here = [], value
    while isinstance(here, dict | list) and here and (not path or generator.random() < 0.85):
        keys = list(here) if isinstance(here, dict) else range(len(here))
        path.append((here, generator.choice(list(keys))))
        here = path[-1][0][path[-1][1]]
    if not path:
        return generator.choice(STRANGE)
    container, key = path[-1]
    change = generator.randrange(5)
    if change == 0:
        del container[key]
    elif change == 1 and isinstance(container, list):
        container.insert(key, here)
    elif change == 2:
        container[key] = [here] if generator.random() < 0.5 else {"x": here}
    elif change == 3 and isinstance(here, int | float) and not isinstance(here, bool):
        container[key] = here * generator.choice((-1, 0, 1e-9, 1e9, 10**20, 1.0000001))
    else:
        container[key] = generator.choice(STRANGE)
    return value


def mutate_json(text: str, generator: random.Random) -> str:
    """Change one place of a JSON text."""
    try:
        value = mutate_tree(json.loads(text), generator)
    except (ValueError, RecursionError):  # an earlier mutation broke it
        return mutate_text(text, generator)
    return json.dumps(value, ensure_ascii=generator.random() < 0.5)


def mutate_xml(text: str, generator: random.Random) -> str:
    """Change one element of an XML text: an attribute, its text, its name, its place."""
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, UnicodeEncodeError):  # an earlier mutation broke it
        return mutate_text(text, generator)
    parents = [element for element in root.iter() if len(element)]
    parent = generator.choice(parents)
    child = generator.choice(list(parent))
    strange = str(generator.choice(STRANGE))
    change = generator.randrange(6)
    if change == 0:
        parent.remove(child)
    elif change == 1:
        parent.append(child)
    elif change == 2:
        child.append(ElementTree.Element(generator.choice(parents).tag))
    elif change == 3:
        child.tag = generator.choice(("box", "track", "meta", "object", "polygon", "tag", "image"))
    elif change == 4 or not child.attrib:
        child.text = strange
    else:
        child.set(generator.choice(list(child.attrib)), strange)
    if generator.random() < 0.02:
        return f'<!DOCTYPE a [<!ENTITY b "{"c" * 99}">]>' + ElementTree.tostring(root, "unicode")
    return ElementTree.tostring(root, "unicode")


def mutate_table(text: str, generator: random.Random) -> str:
    """Change one cell, line or column of a table, or one word of a line."""
    lines = text.splitlines()
    if not lines:
        return mutate_text(text, generator)
    place = generator.randrange(len(lines))
    words = re.split(r"([,;\t ])", lines[place])
    change = generator.randrange(5)
    if change == 0:
        del lines[place]
    elif change == 1:
        lines.insert(generator.randrange(len(lines)), lines[place])
    elif change == 2:
        del words[generator.randrange(len(words))]
        lines[place] = "".join(words)
    else:
        words[generator.randrange(len(words))] = str(generator.choice(STRANGE))
        lines[place] = "".join(words)
    return "\n".join(lines) + "\n"


def mutate_text(text: str, generator: random.Random) -> str:
    """Cut a text, repeat a part of it, or put something strange into it."""
    place = generator.randrange(len(text) + 1)
    end = min(len(text), place + generator.randrange(1, 200))
    change = generator.randrange(4)
    if change == 0:
        return text[:place]
    if change == 1:
        return text[:place] + text[end:]
    if change == 2:
        return text[:end] + text[place:]
    return text[:place] + str(generator.choice(STRANGE)) + text[place:]


def mutate_file(path: Path, generator: random.Random) -> None:
    """Change a file in one to four places."""
    text = path.read_text(encoding="utf-8")
    by_ending = {".json": mutate_json, ".xml": mutate_xml}
    mutate = by_ending.get(path.suffix, mutate_table)
    for _ in range(generator.randint(1, 4)):
        text = (mutate if generator.random() < 0.85 else mutate_text)(text, generator)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


def read_mutated(export: Path, folder: Path, generator: random.Random) -> str:
    """Damage a copy of an export in a folder, and read it; return what became of it."""
    shutil.rmtree(folder, ignore_errors=True)
    copy = folder / export.name
    folder.mkdir(parents=True)
    shutil.copytree(export, copy) if export.is_dir() else shutil.copy(export, copy)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    mutate_file(generator.choice(files), generator)
    read = read_annotation_folder(folder, {})
    for rejection in read.rejections:
        rejection.reason.encode()  # what is rejected can be written
    read.faces.to_csv(folder / "faces.csv")  # what is kept can be written
    if read.unreadable:
        return "rejected whole"
    return "with rejections" if read.rejections else "read"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--inputs", type=int, default=2000, help="of each export")
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            counts, slowest = Counter(), 0.0
            for number in range(arguments.inputs):
                seed = f"{arguments.seed} {name} {number}"
                started = time.monotonic()
                try:
                    counts[
                        read_mutated(EXPORTS / name, Path(folder, "a"), random.Random(seed))
                    ] += 1
                except Exception as error:  # noqa: BLE001 - what is looked for
                    failures += 1
                    print(f"{seed}: {type(error).__name__}: {error}"[:300])
                slowest = max(slowest, time.monotonic() - started)
            failures += slowest > MAX_SECONDS
            print(f"{name:<22}{dict(sorted(counts.items()))}, slowest {slowest:.2f} s", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{failures} failures, peak {peak / 1e6:.0f} MB")
    raise SystemExit(1 if failures or peak > MAX_BYTES else 0)


if __name__ == "__main__":
    main()
