import numpy as np
import pytest

from deepfake_detector.models.weights_file import locate_arrays, write_arrays

ARRAYS = {
    "ssd/_conv_stem/0": np.arange(30, dtype=np.float16).reshape(3, 10),
    "logit/1": np.float16([0.5]),
    "logit/1:scale": np.float32([0.25]),
    "logit/2": np.int8([[-3, 4]]),
    "größe": np.float16([1, 2, 3]),
}


def test_numpy_reads_the_arrays_and_others_find_them_at_multiples_of_64(tmp_path):
    path = tmp_path / "weights.npz"
    write_arrays(ARRAYS, path)
    places, content = locate_arrays(path), path.read_bytes()
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == ARRAYS.keys() == places.keys()
        for name, array in ARRAYS.items():
            place = places[name]
            np.testing.assert_array_equal(file[name], array)
            assert content[place.offset : place.offset + place.length] == array.tobytes()
            assert place.offset % 64 == 0
            assert (place.shape, place.dtype) == (array.shape, array.dtype)


def test_the_same_arrays_give_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_arrays(ARRAYS, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_compressed_array_is_called_so(tmp_path):
    np.savez_compressed(tmp_path / "weights.npz", **ARRAYS)
    with pytest.raises(ValueError, match=r"weights\.npz: ssd/_conv_stem/0\.npy is compressed"):
        locate_arrays(tmp_path / "weights.npz")
