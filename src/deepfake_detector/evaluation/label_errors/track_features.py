"""What the face classifier's backbones see in annotated tracks, before its heads decide.

Shapes: `T` tracks, `F` features of all networks of the ensemble together, `S` side of a crop.
"""

import numpy as np
from tqdm import tqdm

from deepfake_detector.data.loading.crop_index import read_face
from deepfake_detector.evaluation.label_errors.annotated_tracks import AnnotatedTrack
from deepfake_detector.models.face_classifier import FaceClassifier


def compute_track_features(classifier: FaceClassifier, tracks: list[AnnotatedTrack]) -> np.ndarray:
    """Compute the mean features of each track's crops: float32 [T, F]."""
    features = []
    for track in tqdm(tracks, desc="faces", unit=" faces"):
        faces = [
            read_face(crop, classifier.crop_scale, classifier.crop_px) for crop in track.crops
        ]
        batch = np.stack(faces).astype(np.float32)  # [crops, S, S, 3]
        seen = [network.predict_on_batch(batch) for network in classifier.features]
        features.append(np.concatenate(seen, axis=1).mean(axis=0))
    return np.stack(features)  # [T, F]
