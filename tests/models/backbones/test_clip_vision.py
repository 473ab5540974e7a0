import keras
import numpy as np
import pytest

from deepfake_detector.models.backbones import clip_vision
from deepfake_detector.models.backbones.clip_vision import ClipVision, build_clip_vision


@pytest.fixture(scope="module")
def network():
    """An encoder of one block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clip_vision, "BLOCKS", 1)
        keras.utils.set_random_seed(1)
        image = keras.Input((224, 224, 3))
        network = keras.Model(image, build_clip_vision(image))
    generator = np.random.default_rng(1)
    for weight in network.get_layer("clip_vision").weights:
        values = generator.normal(keras.ops.convert_to_numpy(weight), 0.05)
        if weight.dtype == "int8":
            values = generator.integers(-127, 128, weight.shape)
        elif weight.path.endswith("kernel_scale"):
            values = generator.uniform(0.5, 1, weight.shape) / 2000
        weight.assign(values)
    return network


def compute_by_hand(network, picture):
    """What Radford et al. 2021 and Dosovitskiy et al. 2021 say, a step at a time, in float64."""
    layer = network.get_layer("clip_vision")
    kernel, first, positions, scale, shift = (np.float64(w) for w in layer.embedding)
    x = (picture / 255 - clip_vision.MEAN) / clip_vision.STD
    patches = x.reshape(14, 16, 14, 16, 3).transpose(0, 2, 1, 3, 4).reshape(196, -1)
    tokens = np.concatenate([first[0], patches @ kernel.reshape(-1, 768)]) + positions[0]

    def normalize(x, scale, shift):
        mean, deviation = x.mean(-1, keepdims=True), np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return (x - mean) / deviation * scale + shift

    tokens = normalize(tokens, scale, shift)
    (block,) = layer.blocks
    block = [np.float64(w[0]) * w[1] if isinstance(w, tuple) else np.float64(w) for w in block]
    n1, s1, qkv, qkv_bias, out, out_bias, n2, s2, fc1, b1, fc2, b2 = block
    queries, keys, values = np.split(normalize(tokens, n1, s1) @ qkv + qkv_bias, 3, axis=1)
    mixed = []
    for head in range(12):
        part = slice(64 * head, 64 * head + 64)
        likeness = np.exp(queries[:, part] @ keys[:, part].T / 8)
        mixed.append(likeness / likeness.sum(1, keepdims=True) @ values[:, part])
    tokens = tokens + np.concatenate(mixed, 1) @ out + out_bias
    wide = normalize(tokens, n2, s2) @ fc1 + b1
    tokens = tokens + wide / (1 + np.exp(-1.702 * wide)) @ fc2 + b2
    return np.concatenate([tokens[0], tokens[1:].mean(0)])


def test_a_block_is_what_the_papers_say(network):
    pictures = np.random.default_rng(2).uniform(0, 255, (2, 224, 224, 3)).astype(np.float32)
    features = network.predict_on_batch(pictures)
    expected = [compute_by_hand(network, picture) for picture in pictures]
    assert np.abs(expected).mean() > 0.1
    np.testing.assert_allclose(features, expected, atol=1e-4)


def test_its_shape_is_known_beforehand():
    assert ClipVision().compute_output_shape((None, 224, 224, 3)) == (None, 1536)


def test_a_picture_of_another_size_is_rejected():
    with pytest.raises(ValueError, match=r"CLIP sees 224 x 224 px, got \(240, 240, 3\)"):
        build_clip_vision(keras.Input((240, 240, 3)))
