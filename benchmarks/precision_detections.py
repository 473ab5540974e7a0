"""Whether a trained `vgg16` finds the same faces in bfloat16 as in float32.

    python benchmarks/precision_detections.py --weights FILE.npz --train SHARD ... --test SHARD ...

Trains with `precision_speed.py`'s settings in bfloat16, then lets the same weights find the faces
of other shards in both precisions. A face is the same where one of the other side overlaps it by
0.9 and both its scores are within 0.05: that is the tolerance. The command fails where less than
98 % of the faces scored 0.5 or more are the same, or an AP differs by over a point. What was seen
stands in `benchmarks/precision_speed.md`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from precision_speed import build, build_trained, make_stream

MIN_IOU, MAX_SCORE = 0.9, 0.05
MIN_SAME, MAX_AP = 0.98, 0.01
SURE = 0.5  # score of real and fake together from which a face counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--init", default="none", help="as train.init in params.yaml")
    parser.add_argument("--train", type=Path, nargs="+", required=True, dest="shards")
    parser.add_argument("--test", type=Path, nargs="+", required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-4, help="highest learning rate")
    arguments = parser.parse_args()
    arguments.backbone = "vgg16"
    trained = train(arguments)
    found = {name: find(trained, name, arguments) for name in ("float32", "bfloat16")}
    shares = [compare(*pair) for pair in (found.values(), reversed(found.values()))]
    precisions = {name: measure(faces, arguments.test) for name, faces in found.items()}
    for name, metrics in precisions.items():
        print(f"{name:<10}" + ", ".join(f"{key} {value:.4f}" for key, value in metrics.items()))
    apart = max(
        abs(a - b) for a, b in zip(*(p.values() for p in precisions.values()), strict=True)
    )
    print(f"the same faces: {shares[0]:.2%} of float32's, {shares[1]:.2%} of bfloat16's")
    if min(shares) < MIN_SAME or apart > MAX_AP:
        raise SystemExit("precision_detections: bfloat16 finds other faces than float32")


def train(arguments):
    """Train in bfloat16."""
    model = build_trained(arguments, "bfloat16")
    stream = make_stream(arguments, 0)
    for step in range(1, arguments.steps + 1):
        loss = model.train_on_batch(*next(stream), return_dict=True)["loss"]
        if step % 50 == 0:
            print(f"step {step}: loss {float(loss):.3f}", flush=True)
    return model


def find(trained, precision: str, arguments) -> pd.DataFrame:
    """Find the faces of the test shards with the trained weights in a precision."""
    from deepfake_detector.inference.detector import load_detector
    from deepfake_detector.inference.shards import predict_shards
    from deepfake_detector.models.ssd.network import build_inference_model

    twin, params = build(arguments, precision)
    twin.set_weights(trained.detector.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detector.keras"
        build_inference_model(twin, params.detector).save(path)
        return predict_shards(load_detector(path), arguments.test, arguments.batch)


def measure(faces: pd.DataFrame, shards: list[Path]) -> dict[str, float]:
    """Compute the APs of found faces."""
    from deepfake_detector.inference.shards import read_truth
    from deepfake_detector.metrics import mean_average_precision

    metrics = mean_average_precision(faces, read_truth(shards), 0.5)
    return {
        name: metrics[name] for name in ("ap_real", "ap_fake", "map_50", "class_agnostic_ap_50_95")
    }


def compare(faces: pd.DataFrame, others: pd.DataFrame) -> float:
    """Tell which share of the faces that are sure is found by the other side, too."""
    from deepfake_detector.common.boxes import BOX
    from deepfake_detector.common.labels import FACE_LABELS
    from deepfake_detector.models.ssd.tensor_boxes import compute_iou

    labels = list(FACE_LABELS)
    faces = faces[faces[labels].sum(axis=1) >= SURE]
    by_frame = dict(list(others.groupby(["video", "frame"])))
    same = []
    for key, part in faces.groupby(["video", "frame"]):
        if key not in by_frame:
            same += [False] * len(part)
            continue
        other = by_frame[key]
        ious = np.asarray(
            compute_iou(np.float32(part[BOX].to_numpy()), np.float32(other[BOX].to_numpy()))
        )
        scores = np.abs(part[labels].to_numpy()[:, None] - other[labels].to_numpy()[None]).max(
            axis=2
        )
        is_same = (ious >= MIN_IOU) & (scores <= MAX_SCORE)
        same += is_same.any(axis=1).tolist()
    print(f"{len(same)} faces with a score of {SURE} or more")
    if not same:
        raise SystemExit(f"precision_detections: no face is scored {SURE} or more; train longer")
    return float(np.mean(same))


if __name__ == "__main__":
    main()
