"""Records of small gray frames, each face at the same place."""

import cv2
import numpy as np

from deepfake_detector.data.frame_records import FrameRecord

FACE = [0.25, 0.25, 0.5, 0.75]


def make_record(video, frame, faces):
    image = np.full((40, 60, 3), 10 * frame, np.uint8)
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    boxes = np.float32([FACE] * faces).reshape(-1, 4)
    labels, crops = np.full(faces, 2), [jpeg] * faces
    return FrameRecord(jpeg, boxes, labels, crops, boxes, video, frame, 120, 80)
