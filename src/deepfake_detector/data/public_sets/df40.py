"""DF40, its videos as they were forged (github.com/YZY-stack/DF40, README, table of methods).

A folder of each method, `METHOD/ff/…/TARGET_SOURCE.mp4` of FaceForensics++ and
`METHOD/cdf/…/idA_idB_N.mp4` of Celeb-DF (also `ffpp`, `cdfv2`), perhaps in folders of the four
types, of `DF40_train` (train) and `DF40` (test). The originals are those data sets' own. The
images that DF40 gives beside them are faces cut out, without the frame round them.
"""

import re
from pathlib import Path

from deepfake_detector.data.public_sets.clip import (
    FACE_SWAP,
    LIP_SYNC,
    REENACTMENT,
    Clip,
    ListedSet,
    find_videos,
    make_name,
)

_METHODS = {
    FACE_SWAP: "fsgan faceswap simswap inswap blendface uniface mobileswap e4s facedancer "
    "deepfacelab",
    REENACTMENT: "fomm facevid2vid fs_vid2vid mraa one_shot_free oneshot pirender tpsm lia dagan "
    "danet mcnet hyperreenact",
    LIP_SYNC: "wav2lip",
    "animated still": "sadtalker heygen",
    "face edit": "collabdiff e4e stargan starganv2 styleclip",
    "generated face": "vqgan stylegan2 stylegan3 styleganxl sd2.1 ddim rddm pixart dit sit "
    "midjourney whichfaceisreal",
}
_GROUPS = {method: group for group, names in _METHODS.items() for method in names.split()}
_DOMAINS = {"ff": "ff", "ffpp": "ff", "cdf": "celebdf", "cdfv2": "celebdf"}
_SPLITS = {"df40_train": "train", "train": "train", "df40": "test", "test": "test"}
_REAL = ("real", "original", "originals")
_SYNTHESIS = re.compile(r"(id\d+)_id\d+_(\d+)")


def is_df40(folder: Path) -> bool:
    """Tell whether a folder has folders of two of DF40's methods, at most two levels down."""
    names = {
        path.name.lower()
        for depth in ("*", "*/*", "*/*/*")
        for path in folder.glob(depth)
        if path.is_dir()
    }
    return len(names & _GROUPS.keys()) >= 2 or (
        folder.resolve().name.lower().startswith("df40") and bool(names & _GROUPS.keys())
    )


def list_df40(folder: Path) -> ListedSet:
    """List the videos of all methods; those of no known method are unlisted.

    Raises:
        ValueError: there are images alone.
    """
    clips, unlisted = [], []
    for path in find_videos(folder):
        parts = path.relative_to(folder).parts[:-1]
        method = next((part for part in parts if part.lower() in _GROUPS), "")
        if method:
            clips.append(_make_clip(path, parts, method))
        else:
            unlisted.append(path.relative_to(folder).as_posix())
    if not clips:
        raise ValueError(
            f"{folder}: no video of a DF40 method; its images are faces cut out, without the "
            "frame round them: download the videos (README of DF40, option 2)"
        )
    return ListedSet("DF40", clips, unlisted=unlisted)


def _make_clip(path: Path, parts: tuple[str, ...], method: str) -> Clip:
    lower = [part.lower() for part in parts]
    domain = next((_DOMAINS[part] for part in lower if part in _DOMAINS), "df40")
    split = next((_SPLITS[part] for part in lower if part in _SPLITS), "")
    is_real = any(part in _REAL for part in lower)
    source, identity = _name_source(path.stem, domain, method)
    shown = [part for part in parts if part.lower() not in ("videos", *_SPLITS)]
    return Clip(
        path=path,
        video=make_name("df40", *shown, path.name),
        label="real" if is_real else "fake",
        source=f"{domain}:{source}",
        identity=f"{domain}:{identity}" if identity else "",
        split=split,
        method="" if is_real else method,
        method_group="" if is_real else _GROUPS[method.lower()],
        dataset="DF40",
    )


def _name_source(stem: str, domain: str, method: str) -> tuple[str, str]:
    """Name the filmed clip, and whose face is seen (of Celeb-DF: who was filmed)."""
    if domain == "ff":
        target, _, donor = stem.partition("_")
        return target, donor or target
    if domain == "celebdf":
        found = _SYNTHESIS.fullmatch(stem)
        filmed = f"{found[1]}_{found[2]}" if found else stem
        return filmed, filmed.partition("_")[0] if filmed.startswith("id") else ""
    return f"{method} {stem}", ""
