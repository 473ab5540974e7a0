"""One clip of 9 frames, 64 x 48 px, annotated in every format, as each tool exports it.

The files in `exports/` are written to the letter of these pages:
- `cvat_video.xml`, `cvat_images.xml`: https://docs.cvat.ai/docs/other/xml_format
- `coco_images.json`: https://cocodataset.org/#format-data, with CVAT's `attributes`
  (https://docs.cvat.ai/docs/dataset_management/formats/format-coco)
- `coco_video.json`: CocoVID, docs/en/tutorials/customize_dataset.md of open-mmlab/mmtracking
- `label_studio.json`: https://labelstud.io/guide/export, https://labelstud.io/tags/videorectangle
- `via_project.json`, `via_annotations.json`, `via.csv`: via-2.x.y/CodeDoc.md of VIA 2
- `pascal_voc/`: VOC's development kit, `htmldoc/voc.html`, with CVAT's `attributes`
- `yolo/`: https://docs.ultralytics.com/datasets/detect, with CVAT's track numbers
  (https://docs.cvat.ai/docs/dataset_management/formats/format-yolo-ultralytics)

Each has what real exports have: two tracks, `outside` boxes (or their like), an occluded face, a
face without real or fake in frame 6, another shape in frame 7, a face in frame 98 that the clip
has not, a name beyond ASCII.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.data.annotations.reader import read_annotation_folder
from deepfake_detector.data.validation.annotation_table import (
    find_named_videos,
    make_annotation_table,
    match_videos,
)

EXPORTS = Path(__file__).parent / "exports"
VIDEO = "Zwei Köpfe.mp4"
VIDEOS = pd.DataFrame(
    [(VIDEO, 64, 48, 9, 0)], columns=["video", "width_px", "height_px", "frames", "frame_offset"]
)
NAMED = {"video": "clip nr", "frame": "no", "left": "fx0", "top": "fy0", "right": "fx1"} | {
    "bottom": "fy1",
    "label": "what",
    "face": "who",
}
REAL_FACE = [("real", frame, (10 + frame, 8.5, 30 + frame, 28.5)) for frame in range(5)]
FAKE_FACE = [("fake", frame, (40, 10, 60, 34)) for frame in (1, 2, 3)]
EXACT, SIX_DECIMALS, WHOLE_PX = 1e-9, 1e-4, 0.5
FORMATS = {  # how it rounds, and whether it says which boxes are one face
    "cvat_video.xml": (EXACT, True),
    "cvat_images.xml": (EXACT, False),
    "coco_images.json": (EXACT, True),
    "coco_video.json": (EXACT, True),
    "label_studio.json": (EXACT, True),
    "via_project.json": (EXACT, True),
    "via_annotations.json": (EXACT, True),
    "via.csv": (EXACT, True),
    "pascal_voc": (WHOLE_PX, True),
    "yolo": (SIX_DECIMALS, True),
    "csv_corners.csv": (EXACT, True),
    "csv_sizes.csv": (EXACT, True),
    "csv_fractions.csv": (SIX_DECIMALS, True),
    "csv_own.csv": (EXACT, True),
    "csv_2020.csv": (EXACT, False),
    "csv_named.csv": (EXACT, True),
    "clay_sciences.json": (EXACT, True),
}


def read_table(name, tmp_path):
    """Read an export as `validate` does: faces in px beside their video, and all that was read."""
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / name).symlink_to(EXPORTS / name)
    source = EXPORTS / name
    folder = source if source.is_dir() else tmp_path / "annotations"
    read = read_annotation_folder(folder, NAMED if name == "csv_named.csv" else {})
    named = find_named_videos(read.faces["name"], [VIDEO])
    kept, rejections = match_videos(read.faces, named, {VIDEO})
    assert rejections == []
    return make_annotation_table(kept, VIDEOS, 0.9), read


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_clip_gives_the_same_table_in_every_format(name, tmp_path):
    rounding, has_tracks = FORMATS[name]
    table, read = read_table(name, tmp_path)
    assert read.unreadable == []
    is_good = table["label"].isin(FACE_LABELS) & table["frame"].between(0, 8)
    good = table[is_good].sort_values(["label", "frame"], ascending=[False, True])
    expected = REAL_FACE + FAKE_FACE
    assert list(zip(good["label"], good["frame"], strict=True)) == [row[:2] for row in expected]
    np.testing.assert_allclose(good[BOX].to_numpy(), [row[2] for row in expected], atol=rounding)
    if has_tracks:
        real, fake = (set(good.loc[good["label"] == label, "face"]) for label in FACE_LABELS)
        assert (len(real), len(fake), real & fake) == (1, 1, set())


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_usable_face_is_there_for_the_checks_or_rejected_with_its_frame(name, tmp_path):
    table, read = read_table(name, tmp_path)
    unlabelled = table[~table["label"].isin(FACE_LABELS)]
    lost = {(face.name.removesuffix(".mp4"), face.frame) for face in read.lost}
    assert 6 in set(unlabelled["frame"])
    assert lost <= {("Zwei Köpfe", 7)}
    if name not in ("label_studio.json",) and not name.startswith("csv"):  # they have boxes alone
        assert lost or 7 in set(unlabelled["frame"])
    assert table.loc[table["frame"] > 8, "label"].tolist() == ["real"]
    assert table.loc[table["frame"] > 8, "frame"].tolist() == [98]


def test_a_folder_of_all_exports_is_read_whole(tmp_path):
    read = read_annotation_folder(EXPORTS, NAMED)
    assert read.unreadable == []
    assert read.faces["file"].map(lambda file: Path(file).suffix).nunique() == 4
