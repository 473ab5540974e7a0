"""The verdict on a file as `verdict.json` holds it; docs/verdict.md describes each field."""

import math
from dataclasses import asdict

import numpy as np

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.files import hash_file
from deepfake_detector.data.known_videos import find_known
from deepfake_detector.inference.analysis import FrameCounts, VideoAnalysis
from deepfake_detector.inference.model_folders.model_files import LoadedModel
from deepfake_detector.reports.smoothing import smooth_fake_score
from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.decision import Decision
from deepfake_detector.verdicts.face_track import FaceTrack, find_usable, was_classified
from deepfake_detector.verdicts.quality import measure_quality, name_group
from deepfake_detector.verdicts.segments import find_segments
from deepfake_detector.video.file_facts import has_content_credentials

SCHEMA = 2
DIGITS = 4


def make_record(analysis: VideoAnalysis, model: LoadedModel) -> dict:
    """Make everything that `verdict.json` holds but `times`; the same for a file each time."""
    file_sha256 = hash_file(analysis.path)
    return {
        "schema": SCHEMA,
        "file": analysis.path.name,
        **decision_to_json(analysis.verdict),
        "covers": list(model.covers),
        "quality": quality_to_json(analysis.tracks, model.calibration),
        "segments": segments_to_json(analysis, model.calibration),
        "analyzed_closely": [
            {"from": round(start, DIGITS), "to": round(end, DIGITS)}
            for start, end in analysis.frames.closely
        ],
        "prevalence": model.calibration.prevalence,
        "known_from_training": find_known_video(analysis, model, file_sha256),
        "file_sha256": file_sha256,
        "facts": facts_to_json(analysis),
        "frames": frames_to_json(analysis.frames),
        "model": asdict(model.identity),
        "width_px": analysis.width_px,
        "height_px": analysis.height_px,
        "pixel_aspect": round(analysis.pixel_aspect, DIGITS),
        "hdr": analysis.transfer,
        "seconds": round(analysis.seconds, DIGITS),
        "tracks": [
            _track_to_json(track, analysis, model.calibration) for track in analysis.tracks
        ],
    }


def frames_to_json(frames: FrameCounts) -> dict:
    """Return how many frames were read, analyzed, and could not be read."""
    return {
        "read": frames.read,
        "analyzed": frames.analyzed,
        "frame_stride": frames.stride,
        "rejected": frames.rejected,
        "rejected_because": frames.rejected_because,
    }


def find_known_video(analysis: VideoAnalysis, model: LoadedModel, sha256: str) -> dict | None:
    """Return the video of the model's training that a file is or nearly is; None for others."""
    if model.training_videos is None:
        return None
    known = find_known(model.training_videos, sha256, lambda: analysis.frame_hashes)
    return None if known is None else {"video": known.name, "is_same_file": known.is_same_file}


def facts_to_json(analysis: VideoAnalysis) -> dict[str, str | bool]:
    """Return what the file says about itself; of an image only whether it has credentials."""
    said = analysis.packets.facts if analysis.packets else {}
    return {**said, "has_content_credentials": has_content_credentials(analysis.path)}


def decision_to_json(decision: Decision) -> dict:
    """Return an answer with its probability, null where there is none, and its reason."""
    probability = decision.probability
    return {
        "verdict": decision.answer,
        "probability": None if probability is None else round(probability, DIGITS),
        "threshold": round(decision.threshold, DIGITS),
        "reason": decision.reason,
    }


def quality_to_json(tracks: list[FaceTrack], calibration: Calibration) -> dict:
    """Return the quality of the face that is used most, with its track; empty where none is."""
    used = [find_usable(track, calibration.usable) for track in tracks]
    main = max(range(len(tracks)), key=lambda index: used[index].sum(), default=None)
    if main is None or not used[main].any():
        return {}
    quality = measure_quality(tracks[main], used[main])
    measured = {
        name: None if math.isnan(value) else round(value, DIGITS)
        for name, value in asdict(quality).items()
    }
    return {"track": tracks[main].track, "group": name_group(quality), **measured}


def segments_to_json(analysis: VideoAnalysis, calibration: Calibration) -> list[dict]:
    """Return the parts in which a face looks likely fake, in the order of time."""
    seconds = analysis.frames.seconds
    found = [
        segment
        for track in analysis.tracks
        for segment in find_segments(
            track, np.array([seconds[number] for number in track.frames.tolist()]), calibration
        )
    ]
    return [
        {
            "track": segment.track,
            "from": round(segment.start_seconds, DIGITS),
            "to": round(segment.end_seconds, DIGITS),
            "probability": round(segment.probability, DIGITS),
        }
        for segment in sorted(found, key=lambda segment: segment.start_seconds)
    ]


def _track_to_json(track: FaceTrack, analysis: VideoAnalysis, calibration: Calibration) -> dict:
    seconds = analysis.frames.seconds
    columns = {
        "frame": track.frames,
        "seconds": np.array([seconds[number] for number in track.frames.tolist()]),
        **dict(zip(BOX, track.boxes_px.T, strict=True)),
        "real": track.real,
        "fake": track.fake,
        "fake_score": track.compute_fake_score(),
        "fake_score_smoothed": smooth_fake_score(track),
        "sharpness": track.sharpness,
        "used": find_usable(track, calibration.usable),
        "classified": was_classified(track),
    }
    rows = zip(*(_round(column).tolist() for column in columns.values()), strict=True)
    time_line = [dict(zip(columns, row, strict=True)) for row in rows]
    own = decision_to_json(analysis.verdict.tracks[track.track])
    return {"track": track.track, **own, "time_line": time_line}


def _round(values: np.ndarray) -> np.ndarray:
    return np.round(values, DIGITS) if values.dtype.kind == "f" else values
