"""Export as ONNX, with decoding and ONNX's own suppression, which is greedy and exact, inside.

What makes faces of the network's outputs is written here in ONNX itself, as a loop of Keras would
be slow in other programs. Any batch size. Runs in ONNX Runtime and OpenVINO.
Shapes: `N` images, `A` anchors, `K` found faces of all images.
"""

from pathlib import Path

import keras
import numpy as np
import onnx

from deepfake_detector.config.schema import DetectionParams
from deepfake_detector.export.onnx_graph import OnnxGraph, Place, add_dense, embed
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder

_FIND = """
<ir_version: {ir_version}, opset_import: ["" : {opset}]>
find (float[N, A, 4] box, float[N, A, 3] label)
    => (float[N, {max_detections}, 4] boxes, float[N, {max_detections}, 2] scores)
{{
  moves = Mul (box, variances)
  shifts, stretches = Split <axis = 2> (moves, halves)
  moved = Mul (shifts, anchor_sizes)
  centers = Add (moved, anchor_centers)
  bounded = Min (stretches, max_stretch)
  grown = Exp (bounded)
  half_sizes = Mul (grown, anchor_half_sizes)
  starts = Sub (centers, half_sizes)
  ends = Add (centers, half_sizes)
  all_boxes = Concat <axis = 2> (starts, ends)

  probabilities = Softmax <axis = 2> (label)
  background, faces = Split <axis = 2> (probabilities, one_and_two)
  location = ReduceSum <keepdims = 1> (faces, axis_two)
  ranked = Transpose <perm = [0, 2, 1]> (location)
  chosen = NonMaxSuppression (all_boxes, ranked, max_detections, nms_iou, threshold)
  picture, unused, anchor = Split <axis = 1> (chosen, three_ones)
  source = Concat <axis = 1> (picture, anchor)
  chosen_boxes = GatherND (all_boxes, source)
  chosen_faces = GatherND (faces, source)

  shape = Shape (label)
  pictures = Gather (shape, zero)
  numbers = Range (zero, pictures, one)
  is_own = Equal (picture, numbers)
  own = Cast <to = 7> (is_own)
  counted = CumSum (own, zero)
  place = GatherElements <axis = 1> (counted, picture)
  row = Sub (place, one)
  target = Concat <axis = 1> (picture, row)
  picture_count = Reshape (pictures, list_of_one)
  box_shape = Concat <axis = 0> (picture_count, max_detections, four)
  score_shape = Concat <axis = 0> (picture_count, max_detections, two)
  no_boxes = ConstantOfShape (box_shape)
  no_scores = ConstantOfShape (score_shape)
  boxes = ScatterND (no_boxes, target, chosen_boxes)
  scores = ScatterND (no_scores, target, chosen_faces)
}}
"""
"""`detections.decode_detections` in ONNX. The K chosen faces come picture by picture, best first;
`place` is the how many-th of its picture each is, and so its row in the output. No name may be
one of the network's, such as its input `image`."""


CLASSIFIER_NUMBERS = ("crop_scale", "fusion_weight", "min_detection_score")
"""Attributes of a face classifier that are kept in its file, as its metadata."""


def make_network(detector: keras.Model, place: Place = embed) -> onnx.ModelProto:
    """Make the network of a detector: `image` [N, S, S, 3] to `box` and `label`, to be decoded."""
    graph = OnnxGraph("image", detector.input_shape[1:], place)
    names = graph.add_network(detector, "ssd")
    decoded = dict(zip(("box", "label"), find_decoder(detector).input, strict=True))
    return graph.make_model(
        {name: (names[id(tensor)], tensor.shape[1:]) for name, tensor in decoded.items()}
    )


def make_detector(detector: keras.Model, place: Place = embed) -> onnx.ModelProto:
    """Make a whole detector: `image` [N, S, S, 3] to `boxes` and `scores`."""
    return add_decoder(make_network(detector, place), find_decoder(detector))


def make_face_classifier(classifier: FaceClassifier, place: Place = embed) -> onnx.ModelProto:
    """Make a face classifier: `crop` [N, S, S, 3] to `fake_logit` [N]."""
    graph = OnnxGraph("crop", (classifier.crop_px, classifier.crop_px, 3), place)
    logits = []
    networks = zip(classifier.network_names, classifier.features, classifier.heads, strict=True)
    for name, features, head in networks:
        averages = graph.add_network(features, name)[id(features.outputs[0])]
        logits.append(add_dense(graph, head, f"{name}/{head.name}", averages))
    mean = graph.add("Squeeze", graph.add("Mean", *logits), graph.add_constant([1], np.int64))
    model = graph.make_model({"fake_logit": (mean, ())})
    numbers = {name: repr(float(getattr(classifier, name))) for name in CLASSIFIER_NUMBERS}
    onnx.helper.set_model_props(model, numbers)
    return model


def find_decoder(detector: keras.Model) -> DetectionDecoder:
    """Find the layer of a detector that decodes."""
    return next(layer for layer in detector.layers if isinstance(layer, DetectionDecoder))


def add_decoder(network: onnx.ModelProto, decoder: DetectionDecoder) -> onnx.ModelProto:
    """Make of a network, `box` and `label` of images, one that gives `boxes` and `scores`."""
    opset = next(o.version for o in network.opset_import if o.domain in ("", "ai.onnx"))
    params = DetectionParams(**decoder.detections)
    text = _FIND.format(
        ir_version=network.ir_version, opset=opset, max_detections=params.max_detections
    )
    find = onnx.parser.parse_model(text)
    find.graph.initializer.extend(
        onnx.numpy_helper.from_array(values, name)
        for name, values in _list_numbers(decoder, params).items()
    )
    names = [(name, name) for name in ("box", "label")]
    graph = onnx.compose.merge_graphs(network.graph, find.graph, names)
    return onnx.helper.make_model(
        graph, opset_imports=network.opset_import, ir_version=network.ir_version
    )


def save_onnx(model: onnx.ModelProto, path: Path) -> None:
    """Write a model, and check the file with the weights that it names."""
    onnx.save(model, path)
    onnx.checker.check_model(path, full_check=True)


def _list_numbers(decoder: DetectionDecoder, params: DetectionParams) -> dict[str, np.ndarray]:
    """List the constants that the text names."""
    anchors = np.asarray(decoder.anchors)
    left_top, right_bottom = anchors[:, :2], anchors[:, 2:]
    integers = {
        "zero": 0,
        "one": 1,
        "two": [2],
        "four": [4],
        "max_detections": [params.max_detections],
    }
    integers |= {"axis_two": [2], "list_of_one": [1]}
    integers |= {"halves": [2, 2], "one_and_two": [1, 2], "three_ones": [1, 1, 1]}
    reals = {
        "variances": decoder.variances,
        "anchor_centers": (left_top + right_bottom) / 2,
        "anchor_sizes": right_bottom - left_top,
        "anchor_half_sizes": (right_bottom - left_top) / 2,
        "max_stretch": 10.0,  # as `targets.decode_boxes`
        "nms_iou": params.nms_iou_threshold,
        "threshold": params.score_threshold,
    }
    return {name: np.array(number, np.int64) for name, number in integers.items()} | {
        name: np.array(number, np.float32) for name, number in reals.items()
    }


def run_onnx(path: Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """Run an ONNX file on images [B, S, S, 3]: its outputs by name."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found = session.run(names, {session.get_inputs()[0].name: images})
    return dict(zip(names, found, strict=True))
