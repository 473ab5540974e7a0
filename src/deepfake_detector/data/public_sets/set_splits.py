"""The split that a public data set comes with, or people kept apart: often not both.

Celeb-DF tests on people that it trains with, too. With its own split, figures can be compared with
published ones; with people kept apart, they say how a detector does on people it has not seen.
"""

import hashlib
from dataclasses import replace

import pandas as pd

from deepfake_detector.data.public_sets.clip import Clip
from deepfake_detector.data.splits.assignment import find_components, find_leaking_pins

VALIDATION_FRACTION = 0.15
"""Of the training clips, held out where a data set has no validation split of its own."""


def keep_own_split(clips: list[Clip]) -> tuple[list[Clip], list[str]]:
    """Keep the data set's own split, so that figures can be compared with published ones.

    Where it has no validation split, some of its training clips become one, with all of one source
    together. Where it parts clips of one person, nobody's identity is kept.

    Returns:
        The clips, and notes on what was changed.
    """
    names = {clip.split for clip in clips} - {""}
    if len(names) < 2:
        changed = [replace(clip, split="") for clip in clips]
        return changed, [f"all its clips are {name}: no clip is pinned" for name in names]
    notes = []
    leaks = find_leaking_pins(_make_table(clips))
    if leaks:
        clips = [replace(clip, identity="") for clip in clips]
        notes.append(
            f"its own split has a person in several splits (groups of people: {len(leaks)}): "
            "figures are comparable with published ones, and too good for people not seen before; "
            "--by-person leaves its split out and keeps people apart"
        )
    clips, dropped = _leave_out_sources(clips)
    if dropped:
        notes.append(
            f"its own split has fakes and their originals in different splits: {dropped} clips "
            "that share a source with one of its test or validation split are left out"
        )
    if "validation" not in names:
        clips = _hold_out(clips)
        count = sum(clip.split == "validation" for clip in clips)
        notes.append(f"it has no validation split: {count} of its training clips are one now")
    return clips, notes


def keep_people_apart(clips: list[Clip]) -> tuple[list[Clip], list[str]]:
    """Leave the data set's own split out; the stage `split` then goes by source and identity."""
    return [replace(clip, split="") for clip in clips], []


def _make_table(clips: list[Clip]) -> pd.DataFrame:
    columns = ["video", "source", "identity", "split"]
    return pd.DataFrame(
        [[getattr(clip, name) for name in columns] for clip in clips], columns=columns
    )


def _leave_out_sources(clips: list[Clip]) -> tuple[list[Clip], int]:
    """Leave out clips whose source is in a split that is measured on, and count them."""
    pinned: dict[str, str] = {}
    for split in ("train", "validation", "test"):
        pinned |= {clip.source: split for clip in clips if clip.split == split}
    kept = [clip for clip in clips if not clip.split or pinned[clip.source] == clip.split]
    return kept, len(clips) - len(kept)


def _hold_out(clips: list[Clip]) -> list[Clip]:
    """Turn a fraction of the training clips into validation, whole components, by their names."""
    training = [clip for clip in clips if clip.split == "train"]
    components = find_components(_make_table(training))
    members: dict[int, list[str]] = {}
    for component, clip in zip(components, training, strict=True):
        members.setdefault(int(component), []).append(clip.video)
    held: set[str] = set()
    ordered = sorted(members.values(), key=lambda m: hashlib.sha256(min(m).encode()).digest())
    for names in ordered[:-1]:  # train keeps one at least
        if len(held) >= VALIDATION_FRACTION * len(training):
            break
        held.update(names)
    return [replace(clip, split="validation") if clip.video in held else clip for clip in clips]
