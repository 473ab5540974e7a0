"""What networks run on, and in which batches; what they compute: export/test_inference_files."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from deepfake_detector.inference import onnx_networks
from deepfake_detector.inference.onnx_networks import OnnxNetwork, choose_providers

CARD = ("CUDAExecutionProvider", {"use_tf32": "0"})
PROCESSOR = "CPUExecutionProvider"


@pytest.fixture
def doubles(tmp_path):
    """A network that doubles images of 2 x 2 px."""
    image, twice = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2, 2, 3])
        for name in ("image", "twice")
    )
    node = helper.make_node("Add", ["image", "image"], ["twice"])
    graph = helper.make_graph([node], "doubles", [image], [twice])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "doubles.onnx")
    return tmp_path / "doubles.onnx"


class NoCard(onnxruntime.InferenceSession):
    """Stands in for a session of a machine whose card the processor plays; notes its batches."""

    providers, sizes, has_driver = [], [], True

    def __init__(self, path, options, providers):
        NoCard.providers, NoCard.sizes = providers, []
        super().__init__(path, options, providers=[PROCESSOR])

    def get_providers(self):
        has_card = NoCard.has_driver and CARD in NoCard.providers
        return ["CUDAExecutionProvider", PROCESSOR] if has_card else [PROCESSOR]

    def run(self, names, feeds):
        NoCard.sizes.append(len(feeds["image"]))
        return super().run(names, feeds)


def run_on(available, network, monkeypatch, has_driver=True):
    """Double 70 images where these providers are available; return the sizes of batches."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    monkeypatch.setattr(onnxruntime, "InferenceSession", NoCard)
    monkeypatch.setattr(NoCard, "has_driver", has_driver)
    images = np.arange(70 * 12, dtype=np.float32).reshape(70, 2, 2, 3)
    found = OnnxNetwork(network, threads=2).run(images)["twice"]
    np.testing.assert_array_equal(found, 2 * images)
    return sorted(NoCard.sizes, reverse=True)


def test_a_card_comes_before_the_processor_in_full_precision(monkeypatch):
    several = ["TensorrtExecutionProvider", "CUDAExecutionProvider", PROCESSOR]
    for available, chosen in ((several, [CARD, PROCESSOR]), ([PROCESSOR], [PROCESSOR])):
        monkeypatch.setattr(
            onnx_networks.onnxruntime, "get_available_providers", lambda found=available: found
        )
        assert choose_providers() == chosen


def test_a_card_takes_large_batches(doubles, monkeypatch):
    assert run_on(["CUDAExecutionProvider", PROCESSOR], doubles, monkeypatch) == [32, 32, 6]


@pytest.mark.parametrize("available", [[PROCESSOR], ["CUDAExecutionProvider", PROCESSOR]])
def test_a_processor_takes_small_ones(doubles, monkeypatch, available):
    sizes = run_on(available, doubles, monkeypatch, has_driver=False)
    assert sizes == [4] * 17 + [2]
