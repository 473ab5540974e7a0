"""Find the 468 landmarks of a face with the MediaPipe face mesh.

Kartynnik et al. 2019, "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs".
The network was taken out of mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_
x86_64.whl on PyPI, mediapipe/modules/face_landmark/face_landmark.tflite, SHA-256
1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814, and converted to ONNX by
`benchmarks/convert_face_mesh.py`; its licence is in `face_mesh.LICENSE`.

Landmarks are numbered as in MediaPipe's `face_mesh_connections.py`; left and right are the
picture's, x from the left edge, y from the top. Shapes: `N` faces.
"""

from pathlib import Path

import cv2
import numpy as np
from scipy.special import expit

from deepfake_detector.common.files import hash_file
from deepfake_detector.faces.crops import make_window

N_LANDMARKS = 468
MIN_PRESENCE = 0.5
"""Below this presence there is no face to have landmarks."""
MODEL_PATH = Path(__file__).with_name("face_mesh.onnx")
MODEL_SHA256 = "9b563aef42c597986771874d0b9227eda5b68ec57cc30deb6e2d359ade31b75f"

_INPUT_PX = 192  # side of the network's input; its landmarks are in px of it
_SQUARE_REACH = 1.5  # side of the square over the face's longer side (face_landmark_front_cpu)


class FaceLandmarker:
    """Find the landmarks of faces that were found before."""

    def __init__(self, threads: int, path: Path = MODEL_PATH) -> None:
        """Load the network.

        Args:
            threads: of one run, 1 or more.
            path: of `face_mesh.onnx`.

        Raises:
            ValueError: the file is another than the one that the project was tested with.
            FileNotFoundError: there is no such file.
        """
        import onnxruntime

        sha256 = hash_file(path)
        if sha256 != MODEL_SHA256:
            raise ValueError(f"{path}: expected SHA-256 {MODEL_SHA256}, got {sha256}; restore it")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def find(self, squares: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Find the landmarks of the face that each square picture shows.

        Args:
            squares: N RGB pictures uint8 [side, side, 3], each of any side; the face's longer side
                is about two thirds of it.

        Returns:
            Landmarks float32 [N, 468, 2] in px of each picture, which may lie outside of it, and
            presence float32 [N] in 0-1: how sure it is that there is a face. N may be 0.
        """
        if not squares:
            return np.zeros((0, N_LANDMARKS, 2), np.float32), np.zeros(0, np.float32)
        inputs = np.stack([_resize(square) for square in squares])  # [N, 192, 192, 3]
        points, logits = self._session.run(
            None, {self._input: inputs.astype(np.float32) / 255}
        )  # [N, 468, 3], [N]
        zooms = np.float32([len(square) / _INPUT_PX for square in squares])
        landmarks = points[..., :2] * zooms[:, None, None]  # [N, 468, 2]
        return landmarks, expit(logits)

    def find_in_boxes(
        self, images: list[np.ndarray], boxes_px: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the landmarks of the face in a box of each picture.

        Args:
            images: N RGB pictures uint8 [H, W, 3], each of any size.
            boxes_px: [N, 4], each in px of its picture, with its middle inside of it.

        Returns:
            As `find`, landmarks in px of each picture.
        """
        cuts = [cut_square(*face) for face in zip(images, boxes_px, strict=True)]
        landmarks, presence = self.find([square for square, _ in cuts])
        corners = np.float32([corner for _, corner in cuts]).reshape(-1, 1, 2)  # [N, 1, 2]
        return landmarks + corners, presence


def cut_square(image: np.ndarray, box_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut the square around a box [4] px that the network looks at.

    Returns:
        The square [side, side, 3], which beyond the picture's edges repeats the pixels of the
        edge, and its left top corner [2] in px of the picture [H, W, 3], whole numbers.
    """
    window = make_window(box_px, _SQUARE_REACH)
    left, top = np.round(window[:2]).astype(int)
    side = max(int(np.round(window[2] - window[0])), 1)
    bottom, right = top + side, left + side
    height, width = image.shape[:2]
    inside = image[max(top, 0) : bottom, max(left, 0) : right]
    over = [max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)]
    if any(over):
        inside = cv2.copyMakeBorder(inside, *over, cv2.BORDER_REPLICATE)
    return inside, np.array([left, top])


def _resize(square: np.ndarray) -> np.ndarray:
    # linear, as it is quick, up to where it would pass over pixels
    interpolation = cv2.INTER_LINEAR if len(square) <= 2 * _INPUT_PX else cv2.INTER_AREA
    return cv2.resize(square, (_INPUT_PX, _INPUT_PX), interpolation=interpolation)
