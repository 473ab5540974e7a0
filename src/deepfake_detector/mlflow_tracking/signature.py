"""What the served model takes and answers, in MLflow's words; docs/serving.md describes it."""

from deepfake_detector.config.schema import PredictParams
from deepfake_detector.verdicts.operating_point import EVEN

INPUTS = ("image", "video")
"""The columns of a request; each row has one of them."""

FRAMES = {
    "read": "long",
    "analyzed": "long",
    "frame_stride": "long",
    "rejected": "long",
    "rejected_because": "string",
}
DECISION = {
    "verdict": "string",
    "probability": "double",
    "threshold": "double",
    "reason": "string",
}
TRACK = {"track": "long", **DECISION}
FACE = {
    "frame": "long",
    "seconds": "double",
    "track": "long",
    "label": "string",
    "score": "double",
    "left_px": "double",
    "top_px": "double",
    "right_px": "double",
    "bottom_px": "double",
}
ANSWER = (*DECISION, "tracks", "faces", "frames", "rejected")
"""The columns of an answer, one row for each of the request."""


def make_signature(params: PredictParams):
    """Make the model's signature; a request's `score_threshold` is by default as for `predict`."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, ParamSchema, ParamSpec, Schema

    answer = [
        *(ColSpec(kind, name, required=False) for name, kind in DECISION.items()),
        ColSpec(Array(_make_object(TRACK)), "tracks"),
        ColSpec(Array(_make_object(FACE)), "faces"),
        ColSpec(_make_object(FRAMES), "frames", required=False),
        ColSpec("string", "rejected"),
    ]
    return ModelSignature(
        inputs=Schema([ColSpec("string", name, required=False) for name in INPUTS]),
        outputs=Schema(answer),
        params=ParamSchema(
            [
                ParamSpec("score_threshold", "double", params.score_threshold),
                ParamSpec("prevalence", "double", EVEN),
            ]
        ),
    )


def _make_object(columns: dict[str, str]):
    from mlflow.types.schema import Object, Property

    return Object(
        [Property(name, kind, required=name != "probability") for name, kind in columns.items()]
    )
