"""`params.yaml` as frozen objects.

There are no defaults here: a default would hide a missing key.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from deepfake_detector.config.search_space import ChoiceSpace, RangeSpace, Space
from deepfake_detector.config.types import (
    Ascending,
    Count,
    Engine,
    Fraction,
    Interval,
    Milestones,
    Positive,
    Qualities,
    Quality,
    Section,
    Seed,
)
from deepfake_detector.config.yaml_edit import parse_yaml, read_utf8

PARAMS_FILE = Path("params.yaml")
INSTALLED_PARAMS = Path(__file__).with_name(PARAMS_FILE.name)
"""The copy in an installed package; a clone has none."""

ADVANCED = "advanced"
"""The section of `params.yaml` with what one rarely changes, in sections of the same names."""

CsvField = Literal[
    *("video", "image", "frame", "left", "top", "right", "bottom", "center_x", "center_y"),
    *("x", "y", "width", "height", "label", "face"),
]
"""A field of an annotated face that a table may have a column for."""


class ValidateParams(Section):
    min_face_px: Count
    max_outside_fraction: Fraction
    same_face_iou: Annotated[float, Field(gt=0, le=1)]
    min_kept_faces: Count
    min_videos: Count
    min_faces_per_label: Count
    min_unrelated_groups: Count
    csv_columns: dict[CsvField, str]


class ExtractFramesParams(Section):
    frame_stride: Count
    max_side_px: Annotated[int, Field(ge=32)]
    crop_scale: Annotated[float, Field(ge=1)]
    crop_max_side_px: Annotated[int, Field(ge=32)]
    landmarks: bool
    jpeg_quality: Quality


class SplitParams(Section):
    train: Fraction
    validation: Fraction
    test: Fraction
    hold_out_methods: list[str]
    fail_on_leaks: bool
    max_frame_distance: Annotated[int, Field(ge=0, le=16)]

    @model_validator(mode="after")
    def _add_up(self) -> "SplitParams":
        if not self.train:
            raise ValueError("train must be more than 0")
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train, validation and test must add up to 1, got {total:g}")
        return self


class AnchorParams(Section):
    scales: Ascending
    aspect_ratios: list[list[Positive]]
    strides_px: list[Positive]
    variances: Annotated[list[Positive], Field(min_length=4, max_length=4)]

    @model_validator(mode="after")
    def _same_maps(self) -> "AnchorParams":
        maps = len(self.aspect_ratios)
        if len(self.scales) != maps + 1 or len(self.strides_px) != maps:
            raise ValueError(
                f"{maps} predictor maps (aspect_ratios) need {maps + 1} scales and {maps} "
                f"strides_px, got {len(self.scales)} and {len(self.strides_px)}"
            )
        return self


class MatchingParams(Section):
    positive_iou: Fraction
    negative_iou: Fraction

    @model_validator(mode="after")
    def _order_thresholds(self) -> "MatchingParams":
        if self.negative_iou > self.positive_iou:
            raise ValueError(
                f"negative_iou must be positive_iou ({self.positive_iou:g}) at most, got "
                f"{self.negative_iou:g}"
            )
        return self


class DetectionParams(Section):
    score_threshold: Fraction
    nms_iou_threshold: Fraction
    max_detections: Count


_MIN_IMAGE_SIZE_PX = 257
_MAX_STRIDE_ERROR = 0.1  # the strides of SSD300's paper cover up to 320 of 300 px


def compute_map_sizes(image_size_px: int) -> list[int]:
    """Compute the cells of a side of each of the six predictor maps, finest first.

    38, 19, 10, 5, 3 and 1 for 300 px: three times halved, once more each, then two convolutions
    that lose a cell on each side (Liu et al. 2016, figure 2).
    """
    sizes = [-(-image_size_px // 8)]
    for _ in range(3):
        sizes.append(-(-sizes[-1] // 2))
    return [*sizes, sizes[-1] - 2, sizes[-1] - 4]


class DetectorParams(Section):
    backbone: Literal["efficientnet_lite0", "vgg16"]
    image_size_px: Annotated[int, Field(ge=128)]
    precision: Literal["auto", "float32", "bfloat16"]
    anchors: AnchorParams
    matching: MatchingParams
    detections: DetectionParams

    @model_validator(mode="after")
    def _anchors_fit_the_image(self) -> "DetectorParams":
        sizes, strides_px = compute_map_sizes(self.image_size_px), self.anchors.strides_px
        if len(strides_px) != len(sizes):
            raise ValueError(
                f"anchors.strides_px: the networks have {len(sizes)} predictor maps, got "
                f"{len(strides_px)} strides"
            )
        if sizes[-1] < 1:
            raise ValueError(
                f"image_size_px must be at least {_MIN_IMAGE_SIZE_PX}, so that the coarsest "
                f"predictor map has a cell, got {self.image_size_px}"
            )
        covered = [stride * size for stride, size in zip(strides_px, sizes, strict=True)]
        if any(abs(px / self.image_size_px - 1) > _MAX_STRIDE_ERROR for px in covered):
            fitting = [round(self.image_size_px / size, 2) for size in sizes]
            raise ValueError(
                f"anchors.strides_px {strides_px} put anchors off the image, or leave a part of "
                f"it without: {fitting} fit image_size_px {self.image_size_px}"
            )
        return self


class OptimizerParams(Section):
    name: Literal["adam", "sgd"]
    weight_decay: Annotated[float, Field(ge=0)]
    clip_norm: Annotated[float, Field(ge=0)]


class ScheduleParams(Section):
    name: Literal["warmup_cosine", "step_decay"]
    learning_rate: Positive
    warmup_epochs: Annotated[int, Field(ge=0)]
    milestones: Milestones


class LossParams(Section):
    neg_pos_ratio: Annotated[float, Field(ge=0)]
    max_negatives_without_faces: Annotated[float, Field(ge=0)]
    box_loss_weight: Annotated[float, Field(ge=0)]
    class_loss_weight: Annotated[float, Field(ge=0)]


class AugmentationParams(Section):
    name: Literal["windows", "ssd_2020"]
    brightness: Fraction
    contrast: Interval
    saturation: Interval
    hue_degrees: Annotated[float, Field(ge=0, le=180)]
    expand_prob: Fraction
    max_expand_ratio: Annotated[float, Field(ge=1)]
    crop_prob: Fraction
    min_crop_scale: Annotated[float, Field(gt=0, le=1)]
    flip_prob: Fraction
    recompress_prob: Fraction
    recompress_quality: Qualities
    downscale_prob: Fraction
    min_downscale: Annotated[float, Field(gt=0, le=1)]


class TrainParams(Section):
    init: str
    finetune_fraction: Annotated[float, Field(gt=0, le=1)]
    epochs: Count
    steps_per_epoch: Count
    batch_size: Count
    strategy: Literal["one", "mirrored", "multi_worker"]
    freeze_batch_norm: bool
    optimizer: OptimizerParams
    schedule: ScheduleParams
    loss: LossParams
    early_stopping_epochs: Count
    validation_frames: Count
    max_faces: Count
    augmentation: AugmentationParams


class PairParams(Section):
    dataset_fake_ratio: Fraction
    unpaired_fake_ratio: Fraction
    degradation_prob: Fraction
    max_degradations: Count
    center_jitter: Fraction
    scale_jitter: Annotated[float, Field(ge=1)]


class ForgingMethods(Section):
    self_blend: Fraction
    other_frame: Fraction
    other_person: Fraction
    matched_person: Fraction
    expression_warp: Fraction
    resynthesis: Fraction

    @model_validator(mode="after")
    def _have_one(self) -> "ForgingMethods":
        total = sum(value for _, value in self)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"their fractions must be 1 together, got {total:g}")
        return self


class FaceClassifierParams(Section):
    enabled: bool
    crop_px: Annotated[int, Field(ge=32)]
    crop_scale: Annotated[float, Field(ge=1)]
    fusion_weight: Fraction
    min_detection_score: Fraction
    dropout: Annotated[float, Field(ge=0, lt=1)]
    ensemble_size: Count
    epochs: Count
    pairs_per_source: Count
    max_steps_per_epoch: Count
    pairs_per_batch: Count
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    ema_momentum: Annotated[float, Field(ge=0, lt=1)]
    kept_epoch: Literal["best", "last"]
    validation_frames: Count
    pairs: PairParams
    forging_methods: ForgingMethods


class EvaluateParams(Section):
    iou_threshold: Fraction
    n_bootstrap: Annotated[int, Field(ge=0)]
    examples: Count


class UsableParams(Section):
    min_face_px: Count
    min_face_score: Fraction
    min_sharpness: Annotated[float, Field(ge=0)]
    min_frames: Count


class CalibrateParams(Section):
    max_false_positive_rate: Annotated[float, Field(gt=0, lt=1)]
    max_false_negative_rate: Annotated[float, Field(gt=0, lt=1)]
    abstain_margin: Annotated[float, Field(ge=0, lt=0.5)]
    usable: UsableParams


class PredictParams(Section):
    score_threshold: Fraction
    frame_stride: Count
    max_frames: Count
    max_crops_per_track: Count
    max_crop_gap_seconds: Positive


class InferenceParams(Section):
    engine: Engine


class AppParams(Section):
    port: Annotated[int, Field(ge=1024, le=65535)]
    max_megabytes: Count
    max_seconds: Positive
    max_waiting_jobs: Count
    max_kept_jobs: Count


class ExportParams(Section):
    frames: Count


class AnnotateParams(Section):
    frame_stride: Count
    min_face_px: Count
    confidence: Fraction
    smoothing_frames: Count


class ForgeParams(Section):
    feather: Fraction
    smoothing_frames: Count
    autoencoder_steps: Count


class PrunerParams(Section):
    name: Literal["median", "hyperband", "none"]
    n_startup_trials: Annotated[int, Field(ge=0)]
    n_warmup_steps: Annotated[int, Field(ge=0)]


class TuneParams(Section):
    n_startup_trials: Annotated[int, Field(ge=0)]
    pruner: PrunerParams
    min_anchor_recall: Fraction
    retries: Annotated[int, Field(ge=0)]
    space: Annotated[list[Space], Field(min_length=1)]


class Params(Section):
    seed: Seed
    validate_: Annotated[ValidateParams, Field(alias="validate")]  # pydantic owns the plain name
    extract_frames: ExtractFramesParams
    split: SplitParams
    detector: DetectorParams
    train: TrainParams
    face_classifier: FaceClassifierParams
    evaluate: EvaluateParams
    calibrate: CalibrateParams
    inference: InferenceParams
    predict: PredictParams
    app: AppParams
    export: ExportParams
    annotate: AnnotateParams
    forge: ForgeParams
    tune: TuneParams

    @model_validator(mode="after")
    def _search_what_is_there(self) -> "Params":
        names = [space.name for space in self.tune.space]
        known = flatten_params(self)
        trained = [key for key in known if key.startswith(("detector.", "train."))]
        for space in self.tune.space:
            if space.name not in trained:
                choices = "\n  ".join(trained)
                raise ValueError(
                    f"tune.space: {space.name} is no parameter of a training; there are"
                    f"\n  {choices}"
                )
            if names.count(space.name) > 1:
                raise ValueError(f"tune.space: {space.name} is there twice; remove one")
            if isinstance(space, ChoiceSpace) and known[space.name] not in space.choices:
                raise ValueError(
                    f"tune.space: the choices of {space.name} are {space.choices}; add "
                    f"{known[space.name]}, its value now, as every search begins there"
                )
            if isinstance(space, RangeSpace) and type(known[space.name]) not in (int, float):
                raise ValueError(
                    f"tune.space: {space.name} is {known[space.name]}, no number; give choices"
                )
        return self


def load_params(path: Path | None = None) -> Params:
    """Read all parameters.

    Args:
        path: None: `PARAMS_FILE` of this folder, or where there is none `INSTALLED_PARAMS`.

    Raises:
        ValueError: a key is missing, unknown or has the wrong type or range, or the file is not
            YAML; the message names the file, every such key and what was expected.
        FileNotFoundError: there is no such file.
    """
    if path is None:
        has_own = PARAMS_FILE.is_file() or not INSTALLED_PARAMS.is_file()
        path = PARAMS_FILE if has_own else INSTALLED_PARAMS
    try:
        text = read_utf8(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path}: not there; run the command in the project's folder, not in {Path.cwd()}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return parse_params(text, path)


def parse_params(text: str, path: Path = PARAMS_FILE) -> Params:
    """Read all parameters from the text of a params file, as `load_params` does."""
    try:
        return Params.model_validate(join_advanced(parse_yaml(text)))
    except ValidationError as error:  # of several problems, each is told
        problems = [f"{path}: {_problem_to_text(problem)}" for problem in error.errors()]
        raise ValueError("\n".join(problems)) from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def join_advanced(content: Any) -> Any:
    """Join what stands under `advanced` with the sections it belongs to.

    Raises:
        ValueError: a key stands in both places.
    """
    if not isinstance(content, dict) or not isinstance(content.get(ADVANCED), dict):
        return content
    sections = {key: value for key, value in content.items() if key != ADVANCED}
    return _join(sections, content[ADVANCED], "")


def _join(first: dict, rest: dict, prefix: str) -> dict:
    joined = dict(first)
    for key, value in rest.items():
        if key not in joined:
            joined[key] = value
        elif isinstance(joined[key], dict) and isinstance(value, dict):
            joined[key] = _join(joined[key], value, f"{prefix}{key}.")
        else:
            raise ValueError(
                f"{prefix}{key} is there twice, also as {ADVANCED}.{prefix}{key}; remove one"
            )
    return joined


def _problem_to_text(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; correct its spelling or remove it"
    if problem["type"] == "missing":
        return f"{key}: missing key; add it"
    return f"{key}: {problem['msg']}, got {problem['input']!r}"


def flatten_params(params: Params) -> dict[str, Any]:
    """Give every parameter under its dotted name, `train.schedule.learning_rate`."""
    return dict(_flatten(params.model_dump(by_alias=True), ""))


def _flatten(values: dict[str, Any], prefix: str):
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
