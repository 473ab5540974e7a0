"""The files that inference runs in ONNX Runtime, written and checked against Keras.

Beside a training they hold all weights; in a released folder they are graphs alone, which take
weights out of `weights.npz`, from which a training starts, too, and of `encoder.npz`; late heads,
24 KB, lie in the graph.
"""

from pathlib import Path

import numpy as np
import onnx

from deepfake_detector.common.files import hash_file, write_text
from deepfake_detector.export.agreement import check_agreement, compare_faces
from deepfake_detector.export.folders import replace_folder
from deepfake_detector.export.onnx_file import make_detector, make_face_classifier, save_onnx
from deepfake_detector.export.onnx_graph import Place, embed
from deepfake_detector.export.sample_frames import read_crops, read_frames
from deepfake_detector.inference.detector import FACE_CLASSIFIER, Detector, load_detector
from deepfake_detector.inference.engine import ONNX_FOLDER, load_onnx
from deepfake_detector.inference.onnx_networks import DETECTOR_ONNX, FACE_CLASSIFIER_ONNX
from deepfake_detector.models.released_folder import (
    ENCODER,
    LATE_HEADS,
    SUMS,
    WEIGHTS,
    list_arrays,
)
from deepfake_detector.models.ssd.precision import fit_precision
from deepfake_detector.models.weights_file import locate_arrays

MAX_LOGIT_DIFFERENCE = 4e-3
"""From Keras: the probability moves by a quarter of this, 0.001, at most."""

CHECKED_FRAMES = 64
"""On which both are compared, and as many faces."""

BATCH_SIZE = 16


def write_inference_files(train: Path, shards: list[Path]) -> None:
    """Write the folder `onnx` of a training from its Keras files.

    Args:
        train: the folder with `detector.keras`.
        shards: of videos, on whose frames and faces both are compared.

    Raises:
        ValueError: faces or logits differ; what was there before stays.
    """
    detector = load_detector(train / "detector.keras")
    with replace_folder(train / ONNX_FOLDER) as folder:
        write_graphs(detector, folder, embed)
        check_inference(detector, folder, shards)
        lines = [f"{hash_file(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
        lines += [
            f"{hash_file(train / name)}  ../{name.as_posix()}\n"
            for name in (Path("detector.keras"), FACE_CLASSIFIER)
            if (train / name).is_file()
        ]
        write_text("".join(lines), folder / SUMS)


def write_released_graphs(detector: Detector, folder: Path, shards: list[Path]) -> None:
    """Write the graphs of a detector beside the `weights.npz` that was made from it.

    Args:
        detector: in Keras, with the weights as they are rounded in that file.
        shards: of videos, on whose frames and faces both are compared.

    Raises:
        ValueError: faces or logits differ.
    """
    write_graphs(detector, folder, place_in(folder))
    check_inference(detector, folder, shards)


def write_graphs(detector: Detector, folder: Path, place: Place) -> None:
    """Write the ONNX files of both networks.

    Args:
        place: where their weights lie.
    """
    save_onnx(make_detector(detector.ssd, place), folder / DETECTOR_ONNX)
    if detector.face_classifier is not None:
        classifier = make_face_classifier(detector.face_classifier, place)
        save_onnx(classifier, folder / FACE_CLASSIFIER_ONNX)


def place_in(folder: Path) -> Place:
    """Make what places weights in the arrays of a released folder, by their names.

    Those of late heads are embedded.
    """
    has = list_arrays(folder)
    places = {
        name: (file, place)
        for file in (WEIGHTS, ENCODER)
        if file in has
        for name, place in locate_arrays(folder / file).items()
    }
    embedded = locate_arrays(folder / LATE_HEADS) if LATE_HEADS in has else ()

    def place(name: str, values: np.ndarray) -> onnx.TensorProto:
        if name in embedded:
            return embed(name, values)
        file, found = places[name]
        kind = onnx.helper.np_dtype_to_tensor_dtype(found.dtype)
        tensor = onnx.TensorProto(name=name, data_type=kind)
        tensor.dims.extend(found.shape)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        where = {"location": file, "offset": found.offset, "length": found.length}
        for key, value in where.items():
            tensor.external_data.add(key=key, value=str(value))
        return tensor

    return place


def check_inference(detector: Detector, folder: Path, shards: list[Path]) -> None:
    """Compare the ONNX files in a folder with the Keras detector that they were made from.

    Args:
        detector: is set to float32, as the files are.

    Raises:
        ValueError: a face is more than `agreement.TOLERANCE` away, or a logit too far.
    """
    fit_precision(detector.ssd, "float32")
    found, classifier = load_onnx(folder), detector.face_classifier
    frames, _ = read_frames(shards, CHECKED_FRAMES, detector.image_size_px)
    expected = detector.ssd.predict(frames, batch_size=BATCH_SIZE, verbose=0)
    check_agreement(compare_faces(expected, found.ssd.run(frames)), DETECTOR_ONNX)
    if classifier is None:
        return
    crops = list(read_crops(shards, CHECKED_FRAMES, classifier.crop_scale, classifier.crop_px))
    difference = np.abs(found.classify(crops) - detector.classify(crops)).max(initial=0.0)
    if difference > MAX_LOGIT_DIFFERENCE:
        raise ValueError(
            f"{FACE_CLASSIFIER_ONNX}: a logit is {difference:.3g} from that of Keras, at most "
            f"{MAX_LOGIT_DIFFERENCE:g} expected"
        )
