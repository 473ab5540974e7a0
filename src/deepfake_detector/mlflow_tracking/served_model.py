"""The trained detector as MLflow serves it: pictures and videos in, faces and verdicts out.

MLflow runs this file to load the model ("models from code"), so nothing is pickled. `registry`
logs it together with the package, so that it works outside the project.
"""

import logging
import os
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel

from deepfake_detector.common.boxes import BOX
from deepfake_detector.config.schema import PredictParams
from deepfake_detector.inference.analysis import VideoAnalysis
from deepfake_detector.inference.detector import choose_shown
from deepfake_detector.inference.model_folders.model_files import (
    RELEASED,
    TRAINED,
    LoadedModel,
    ModelFiles,
    load_files,
    load_folder,
)
from deepfake_detector.inference.predictor import DeepfakePredictor, make_sampling
from deepfake_detector.mlflow_tracking.served_inputs import (
    check_columns,
    decode_image,
    find_video,
    find_video_folder,
)
from deepfake_detector.mlflow_tracking.signature import ANSWER, FACE, INPUTS
from deepfake_detector.reports.verdict_json import DIGITS, decision_to_json, frames_to_json
from deepfake_detector.video.decoders.isolated_decoder import IsolatedDecoder

logger = logging.getLogger(__name__)


class ServedDetector(PythonModel):
    """Finds the faces in each row's picture or video, and gives a verdict."""

    def load_context(self, context):
        model = load_artifacts({name: Path(path) for name, path in context.artifacts.items()})
        name, version = model.identity.name, model.identity.version
        logger.info("serving the model %s", f"{name} {version}" if version else name)
        sampling = make_sampling(PredictParams(**context.model_config))
        self._predictor = DeepfakePredictor(model, sampling, IsolatedDecoder())
        self._videos = find_video_folder(os.environ)

    def predict(self, context, model_input: pd.DataFrame, params: dict) -> pd.DataFrame:
        """Analyze each row; one that cannot be used is rejected, and the others go on.

        Args:
            model_input: column `image`, a JPEG or PNG file as base64 text, or column `video`, a
                path in the allowed folder; each row has one of the two.
            params: `score_threshold`, faces scored lower are left out; `prevalence`, how common
                fakes are where the files come from.

        Returns:
            One row per row of the input, with the columns `ANSWER`.

        Raises:
            MlflowException: no known column; the server answers 400.
        """
        check_columns(model_input)
        predictor = self._predictor.at_prevalence(params["prevalence"])
        rows = model_input.reindex(columns=list(INPUTS)).to_dict(orient="records")
        answers = [
            self._answer(number, row, predictor, params["score_threshold"])
            for number, row in enumerate(rows)
        ]
        return pd.DataFrame(answers, columns=list(ANSWER), dtype=object)

    def _answer(
        self, number: int, row: dict, predictor: DeepfakePredictor, min_detection_score: float
    ) -> dict:
        try:
            analysis = self._analyze(row, predictor)
        except OSError as error:  # its own words would name the server's folders
            return reject(f"row {number}: {error.strerror or 'cannot be read'}")
        except ValueError as error:
            return reject(f"row {number}: {error}")
        return make_answer(analysis, min_detection_score)

    def _analyze(self, row: dict, predictor: DeepfakePredictor) -> VideoAnalysis:
        given = [name for name in INPUTS if isinstance(row[name], str) and row[name]]
        if len(given) != 1:
            raise ValueError(f"expected an image or a video, got {' and '.join(given) or 'none'}")
        if given == ["image"]:
            return predictor.analyze_image(decode_image(row["image"], predictor.decoder))
        return predictor.analyze(find_video(row["video"], self._videos))


def load_artifacts(paths: dict[str, Path]) -> LoadedModel:
    """Load what `registry` logged: the folder of a released model, or the files of another."""
    if RELEASED in paths:
        return load_folder(paths[RELEASED], RELEASED)
    nowhere = paths["detector"].with_name("no_face_classifier")
    classifier = paths.get("face_classifier", nowhere)
    return load_files(ModelFiles(paths["detector"], classifier, paths["calibration"]), TRAINED)


def make_answer(analysis: VideoAnalysis, min_detection_score: float) -> dict:
    """Return what was found and decided: the values of `ANSWER`."""
    verdict = analysis.verdict
    return {
        **decision_to_json(verdict),
        "tracks": [
            {"track": track, **decision_to_json(one)} for track, one in verdict.tracks.items()
        ],
        "faces": list_faces(analysis, min_detection_score),
        "frames": frames_to_json(analysis.frames),
        "rejected": "",
    }


def reject(reason: str) -> dict:
    """Answer a row that cannot be used."""
    nothing = dict.fromkeys(ANSWER, None)
    return {**nothing, "tracks": [], "faces": [], "rejected": reason}


def list_faces(analysis: VideoAnalysis, min_detection_score: float) -> list[dict]:
    """List the found faces that score enough: the values of `FACE`, in the order of frames."""
    faces = choose_shown(analysis.faces, min_detection_score)
    faces = faces.rename(columns={side: f"{side}_px" for side in BOX})
    faces = faces.assign(seconds=faces["frame"].map(analysis.frames.seconds).astype(float))
    return faces[list(FACE)].round(DIGITS).to_dict(orient="records")


mlflow.models.set_model(ServedDetector())
