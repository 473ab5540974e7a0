"""`params.yaml` as frozen objects.

There are no defaults here: a default would hide a missing key.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from deepfake_detector.config.yaml_edit import parse_yaml

PARAMS_FILE = Path("params.yaml")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Quality = Annotated[int, Field(ge=1, le=100)]
Interval = Annotated[list[Positive], Field(min_length=2, max_length=2)]
Ratios = Annotated[list[Positive], Field(min_length=1)]


class Section(BaseModel):
    """A section of `params.yaml`: frozen, typed strictly, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ValidateParams(Section):
    smallest_face_px: Count
    largest_outside_share: Share


class ExtractFramesParams(Section):
    every: Count
    longest_side_px: Annotated[int, Field(ge=32)]
    crop_reach: Annotated[float, Field(ge=1)]
    crop_longest_side_px: Annotated[int, Field(ge=32)]
    jpeg_quality: Quality


class SplitParams(Section):
    train: Share
    validation: Share
    test: Share

    @model_validator(mode="after")
    def _add_up(self) -> "SplitParams":
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train, validation and test must add up to 1, got {total:g}")
        return self


class AnchorParams(Section):
    scales: list[Positive]
    aspect_ratios: list[list[Positive]]
    steps_px: list[Positive]
    variances: Annotated[list[Positive], Field(min_length=4, max_length=4)]

    @model_validator(mode="after")
    def _same_maps(self) -> "AnchorParams":
        maps = len(self.aspect_ratios)
        if len(self.scales) != maps + 1 or len(self.steps_px) != maps:
            raise ValueError(
                f"{maps} predictor maps (aspect_ratios) need {maps + 1} scales and {maps} "
                f"steps_px, got {len(self.scales)} and {len(self.steps_px)}"
            )
        return self


class MatchingParams(Section):
    positive_overlap: Share
    negative_overlap: Share


class DetectionParams(Section):
    score_threshold: Share
    suppression_overlap: Share
    most: Count


class DetectorParams(Section):
    backbone: Literal["efficientnet_lite0", "vgg16"]
    weights: str
    image_size_px: Annotated[int, Field(ge=128)]
    precision: Literal["auto", "float32", "bfloat16"]
    anchors: AnchorParams
    matching: MatchingParams
    detections: DetectionParams


class OptimiserParams(Section):
    name: Literal["adam", "sgd"]
    weight_decay: Annotated[float, Field(ge=0)]
    clip_norm: Annotated[float, Field(ge=0)]


class ScheduleParams(Section):
    name: Literal["warmup_cosine", "steps"]
    learning_rate: Positive
    warmup_epochs: Annotated[int, Field(ge=0)]
    drop_epochs: list[Count]


class LossParams(Section):
    negatives_per_positive: Annotated[float, Field(ge=0)]
    negatives_without_faces: Annotated[float, Field(ge=0)]
    location_weight: Annotated[float, Field(ge=0)]
    label_weight: Annotated[float, Field(ge=0)]


class AugmentationParams(Section):
    name: Literal["windows", "ssd_2020"]
    brightness: Share
    contrast: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    saturation: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    hue_degrees: Annotated[float, Field(ge=0, le=180)]
    zoom_out_probability: Share
    zoom_out_most: Annotated[float, Field(ge=1)]
    crop_probability: Share
    crop_smallest: Annotated[float, Field(gt=0, le=1)]
    flip_probability: Share
    recompress_probability: Share
    recompress_quality: Annotated[list[Quality], Field(min_length=2, max_length=2)]
    downscale_probability: Share
    downscale_smallest: Annotated[float, Field(gt=0, le=1)]


class TrainParams(Section):
    epochs: Count
    steps_per_epoch: Count
    batch_size: Count
    freeze_batch_norm: bool
    optimiser: OptimiserParams
    schedule: ScheduleParams
    loss: LossParams
    early_stopping_epochs: Count
    validation_frames: Count
    most_faces: Count
    augmentation: AugmentationParams


class PairParams(Section):
    given_share: Share
    other_frame_share: Share
    wear_share: Share
    shift: Share
    zoom: Annotated[float, Field(ge=1)]


class SecondLookParams(Section):
    enabled: bool
    weights: Literal["imagenet", "none"]
    crop_px: Annotated[int, Field(ge=32)]
    reach: Annotated[float, Field(ge=1)]
    weight: Share
    least_score: Share
    dropout: Annotated[float, Field(ge=0, lt=1)]
    networks: Count
    epochs: Count
    pairs_per_source: Count
    most_steps: Count
    pairs_per_batch: Count
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    averaging: Annotated[float, Field(ge=0, lt=1)]
    validation_frames: Count
    pairs: PairParams


class EvaluateParams(Section):
    overlap: Share
    resamples: Annotated[int, Field(ge=0)]
    examples: Count


class UsableParams(Section):
    smallest_face_px: Count
    least_location: Share
    least_sharpness: Annotated[float, Field(ge=0)]
    fewest_frames: Count


class JudgeParams(Section):
    false_alarm_rate: Annotated[float, Field(gt=0, lt=1)]
    missed_fake_rate: Annotated[float, Field(gt=0, lt=1)]
    unsure_margin: Annotated[float, Field(ge=0, lt=0.5)]
    usable: UsableParams


class PredictParams(Section):
    score_threshold: Share
    every: Count
    most_frames: Count


class AppParams(Section):
    port: Annotated[int, Field(ge=1024, le=65535)]
    largest_megabytes: Count
    longest_seconds: Positive
    cases_kept: Count


class ExportParams(Section):
    frames: Count


class AnnotateParams(Section):
    every: Count
    smallest_face_px: Count
    confidence: Share
    smoothing_frames: Count


class ForgeParams(Section):
    feather: Share
    smoothing_frames: Count


class RangeSpace(Section):
    """Numbers from lowest to highest; whole ones for a parameter that is a whole number."""

    name: str
    lowest: float
    highest: float
    log: bool

    @model_validator(mode="after")
    def _in_order(self) -> "RangeSpace":
        if not self.lowest < self.highest or (self.log and self.lowest <= 0):
            above = "0 < lowest < highest" if self.log else "lowest < highest"
            raise ValueError(f"{self.name}: expected {above}, got {self.lowest}, {self.highest}")
        return self


class ChoiceSpace(Section):
    """Any of some values, each as it may stand at the parameter itself."""

    name: str
    choices: Annotated[list[Any], Field(min_length=2)]


class ScalesSpace(Section):
    """Scales of anchors: each an interval [lowest, highest]."""

    name: Literal["detector.anchors.scales"]
    smallest: Interval
    largest: Interval
    spacing: Interval

    @model_validator(mode="after")
    def _in_order(self) -> "ScalesSpace":
        for interval in (self.smallest, self.largest, self.spacing):
            if interval[0] > interval[1]:
                raise ValueError(f"{self.name}: {interval} does not go from low to high")
        if self.smallest[1] >= self.largest[0]:
            raise ValueError(f"{self.name}: smallest {self.smallest} reaches {self.largest}")
        return self


class RatiosSpace(Section):
    """Aspect ratios of anchors: each predictor map takes one of the lists."""

    name: Literal["detector.anchors.aspect_ratios"]
    choices_per_map: Annotated[list[Ratios], Field(min_length=2)]


def _name_kind_of_space(value: Any) -> str:
    keys = value if isinstance(value, dict) else dict(value)
    kinds = {"choices": "choices", "smallest": "scales", "choices_per_map": "ratios"}
    return next((kind for key, kind in kinds.items() if key in keys), "range")


Space = Annotated[
    Annotated[RangeSpace, Tag("range")]
    | Annotated[ChoiceSpace, Tag("choices")]
    | Annotated[ScalesSpace, Tag("scales")]
    | Annotated[RatiosSpace, Tag("ratios")],
    Discriminator(_name_kind_of_space),
]


class TuneParams(Section):
    random_trials: Annotated[int, Field(ge=0)]
    pruner: Literal["median", "hyperband", "none"]
    pruner_spares_trials: Annotated[int, Field(ge=0)]
    pruner_spares_epochs: Annotated[int, Field(ge=0)]
    least_recall: Share
    retries: Annotated[int, Field(ge=0)]
    space: Annotated[list[Space], Field(min_length=1)]


class Params(Section):
    seed: int
    validate_: Annotated[ValidateParams, Field(alias="validate")]  # pydantic owns the plain name
    extract_frames: ExtractFramesParams
    split: SplitParams
    detector: DetectorParams
    train: TrainParams
    second_look: SecondLookParams
    evaluate: EvaluateParams
    judge: JudgeParams
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


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read all parameters.

    Raises:
        ValueError: a key is missing, unknown or has the wrong type or range, or the file is not
            YAML; the message names the file, every such key and what was expected.
        FileNotFoundError: there is no such file.
    """
    return parse_params(path.read_text(encoding="utf-8"), path)


def parse_params(text: str, path: Path = PARAMS_FILE) -> Params:
    """Read all parameters from the text of a params file, as `load_params` does."""
    try:
        return Params.model_validate(parse_yaml(text))
    except ValidationError as error:  # of several problems, each is told
        problems = [f"{path}: {_problem_to_text(problem)}" for problem in error.errors()]
        raise ValueError("\n".join(problems)) from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


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
