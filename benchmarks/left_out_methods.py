# ruff: noqa: E402
"""How well a face classifier tells fakes of real videos by methods that it was not trained with.

    python benchmarks/left_out_methods.py WORK --classifier WHAT [--train] [--swaps FOLDER]

WORK is a folder in which `extract_frames` and `split` ran (`src/release.py` leaves one). Of each
of its real validation videos some frames are forged, one method at a time, by the code that
training uses, with one seed a video; original and fake share everything else. FOLDER is what
`forge.py --method autoencoder_swap` wrote of such videos. WHAT is a file of a classifier, or a
released folder: since 0.4 its head learns from given fakes alone, and all these methods are left
out. Printed: AUC of a video's mean logit, fakes against their originals, with 95 % intervals by
resampling people; as they are, and at half the size and H.264 CRF 30 where the face is at least
64 px wide after that.

`--train` makes a file first, or goes on with it: 900 steps from ImageNet with the recipe of
`configs/release.yaml`, but of its forging methods only self-blending and drawing anew, and of its
generators all but those that enlarge by nearest neighbors.
"""

import argparse
import os
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from deepfake_detector.augmentation.degradations import encode_video
from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FAKE, REAL
from deepfake_detector.config.overrides import override_params, read_preset
from deepfake_detector.config.schema import FaceClassifierParams, ForgingMethods, parse_params
from deepfake_detector.data.annotations.reader import read_annotation_folder
from deepfake_detector.data.loading.crop_index import Crop, find_box_px, list_crops, read_crop
from deepfake_detector.data.loading.face_pairs import group_crops
from deepfake_detector.data.loading.made_fakes import CutFace, FakeMaker
from deepfake_detector.data.splits.listing import Shards, list_shards, read_sources
from deepfake_detector.faces.crops import cut_window, make_window, resize
from deepfake_detector.forging import resynthesis
from deepfake_detector.inference.model_folders.released import load_in_keras
from deepfake_detector.metrics.bootstrap import find_interval
from deepfake_detector.metrics.classification import compute_auc
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.training.checkpoints import Checkpoint
from deepfake_detector.training.epoch_validation import choose_crops
from deepfake_detector.training.train_classifier import FaceClassifierPlan, train_network
from deepfake_detector.video.reading import read_frames

TRAINED = {"self_blend": 0.5, "resynthesis": 0.5}
LEFT_OUT = ("other_frame", "matched_person", "expression_warp")
NEAREST = resynthesis.NEAREST
SETS = ("wild_", "real_only_")  # of joined folders, whose real videos are forged
FRAMES, CRF, MIN_FACE_PX, RESAMPLES, SEED = 6, 30, 64, 1000, 11
EPOCHS, STEPS, LEARNING_RATE = 9, 100, 0.001
Pair = tuple[np.ndarray, np.ndarray]
"""A face and its fake, uint8 [S, S, 3]."""


@dataclass(frozen=True)
class ForgedVideo:
    """Frames of a video and what was forged of them; `person` is the video's source."""

    person: str
    pairs: list[Pair]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--swaps", type=Path)
    asked = parser.parse_args()
    if not (asked.work / "artifacts/split/validation.csv").is_file():
        print(f"skipped: no validation videos in {asked.work}")
        return
    file, swaps = asked.classifier.resolve(), asked.swaps and asked.swaps.resolve()
    text, _ = override_params(
        (PROJECT / "params.yaml").read_text("utf-8"), read_preset("release", PROJECT / "configs")
    )
    params = parse_params(text).face_classifier
    os.chdir(asked.work)
    if asked.train:
        train(params, file)
    if file.is_dir():
        classifier = load_in_keras(file).face_classifier
    else:
        classifier = keras.saving.load_model(file, compile=False)
    pairs = {method: forge(params, method) for method in (*LEFT_OUT, NEAREST)}
    if swaps:
        pairs["autoencoder_swap"] = read_swaps(swaps, params)
    print("method               videos  AUC as they are          half the size, CRF 30")
    rows = [show(classifier, method, list(videos)) for method, videos in pairs.items()]
    means, worst = np.mean(rows, axis=0), np.min(rows, axis=0)
    print(
        f"mean / worst                 {means[0]:.3f} / {worst[0]:.3f}            {means[1]:.3f}"
    )


def train(params: FaceClassifierParams, file: Path) -> None:
    """Train one network without the methods that are left out, and write it."""
    left = {k: v for k, v in resynthesis.GENERATOR_PROBS.items() if k != NEAREST}
    resynthesis.GENERATOR_PROBS = {k: v / sum(left.values()) for k, v in left.items()}
    resynthesis.AUTOENCODERS = {k: v for k, v in resynthesis.AUTOENCODERS.items() if k != NEAREST}
    methods = {name: TRAINED.get(name, 0.0) for name in ForgingMethods.model_fields}
    params = params.model_copy(
        update={
            "ensemble_size": 1,
            "epochs": EPOCHS,
            "max_steps_per_epoch": STEPS,
            "learning_rate": LEARNING_RATE,
            "forging_methods": ForgingMethods(**methods),
        }
    )
    plan = FaceClassifierPlan(params, "imagenet", 1.0, read_sources("train"), SEED, "left out")
    checkpoint = Checkpoint(file.with_suffix(""), "face_classifier_1", plan.fingerprint)
    shards = Shards(train=list_shards("train"), validation=list_shards("validation"))
    train_network(plan, 1, shards, checkpoint, print).save(file)


def forge(params: FaceClassifierParams, method: str) -> Iterator[ForgedVideo]:
    """Forge frames of each real validation video of `SETS`."""
    sources = read_sources("validation")
    crops = [crop for crop in list_crops(list_shards("validation")) if crop.label != FAKE]
    real = choose_crops([crop for crop in crops if crop.video.startswith(SETS)], FRAMES)
    grouped = group_crops(real, sources)
    numbers = {sources[source.real[0].video]: k for k, source in enumerate(grouped)}
    methods = {name: float(name == method) for name in ForgingMethods.model_fields}
    maker = None
    if method != NEAREST:
        maker = FakeMaker([source.real for source in grouped], ForgingMethods(**methods))
    for own in group_by_video(real):
        person = sources[own[0].video]
        pairs = []
        for crop in own:
            generator = np.random.default_rng([SEED, zlib.crc32(crop.video.encode())])
            face = cut(crop, params)
            if maker is None:
                drawn = resynthesis.resynthesize_with(NEAREST, face.cut, generator)
                pairs.append((face.cut, drawn))
            else:
                pairs.append(maker.make(numbers[person], face, generator))
        yield ForgedVideo(person, pairs)


def group_by_video(crops: list[Crop]) -> list[list[Crop]]:
    videos = defaultdict(list)
    for crop in crops:
        videos[crop.video].append(crop)
    return list(videos.values())


def cut(crop: Crop, params: FaceClassifierParams) -> CutFace:
    picture = read_crop(crop)
    window = make_window(find_box_px(crop, picture), params.crop_scale)
    return CutFace(crop, picture, window, cut_window(picture, window, params.crop_px))


def read_swaps(folder: Path, params: FaceClassifierParams) -> Iterator[ForgedVideo]:
    """Read the same frames of originals and of their fakes by an autoencoder."""
    faces = read_annotation_folder(folder / "annotations", {}).faces
    faces = faces[faces["label"] != REAL]
    for name, own in faces[faces["name"].str.endswith("_autoencoder_swap.mp4")].groupby("name"):
        boxes = own.drop_duplicates("frame").set_index("frame")[BOX].astype(float)
        chosen = set(boxes.index[np.linspace(0, len(boxes) - 1, FRAMES).astype(int)])
        original = name.replace("_autoencoder_swap", "")
        videos = (read_frames(folder / "videos" / video) for video in (original, name))
        pairs = []
        for (number, real), (_, fake) in zip(*videos, strict=True):
            if number in chosen:
                window = make_window(boxes.loc[number].to_numpy(), params.crop_scale)
                pairs.append(
                    tuple(cut_window(image, window, params.crop_px) for image in (real, fake))
                )
        yield ForgedVideo(original, pairs)


def show(
    classifier: FaceClassifier, method: str, videos: list[ForgedVideo]
) -> tuple[float, float]:
    """Print the row of a method; return its two AUC."""
    least_px = 2 * MIN_FACE_PX * classifier.crop_scale
    large = [
        ForgedVideo(video.person, [tuple(shrink(cut) for cut in pair) for pair in video.pairs])
        for video in videos
        if np.mean([len(real) for real, _ in video.pairs]) >= least_px
    ]
    cells = [measure(classifier, own) for own in (videos, large)]
    texts = [f"{auc:.3f} ({low:.3f} to {high:.3f})" for auc, low, high in cells]
    print(f"{method:<20} {len(videos):>6}  {texts[0]}  {texts[1]}, {len(large)} videos")
    return cells[0][0], cells[1][0]


def shrink(picture: np.ndarray) -> np.ndarray:
    """Bring a cut to half its size and encode it as a weak video does."""
    size = [length // 2 for length in picture.shape[1::-1]]
    return encode_video(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), CRF)


def measure(classifier: FaceClassifier, videos: list[ForgedVideo]) -> tuple[float, float, float]:
    """Give the AUC of fakes against their originals and its 95 % interval."""
    scores = np.array([score(classifier, video.pairs) for video in videos])  # [N, 2]
    _, person = np.unique([video.person for video in videos], return_inverse=True)
    generator = np.random.default_rng(SEED)
    values = []
    for _ in range(RESAMPLES):
        drawn = generator.integers(person.max() + 1, size=person.max() + 1)
        rows = np.concatenate([np.flatnonzero(person == number) for number in drawn])
        values.append(rank(scores[rows]))
    return rank(scores), *find_interval(np.array(values))


def score(classifier: FaceClassifier, pairs: list[Pair]) -> np.ndarray:
    """Return the mean logit of faces and of their fakes, [2]."""
    cuts = np.stack([resize(cut, classifier.crop_px) for pair in pairs for cut in pair])
    logits = classifier.predict_on_batch(cuts.astype(np.float32))
    return logits.reshape(len(pairs), 2).mean(axis=0)


def rank(scores: np.ndarray) -> float:
    return compute_auc(np.tile([False, True], len(scores)), scores.ravel())


if __name__ == "__main__":
    main()
