"""Methods of forgery that only the test has, to see how a detector does on one it never saw.

Shapes: `V` videos.
"""

import pandas as pd

from deepfake_detector.data.splits.assignment import find_components

REMEDY = "correct split.hold_out_methods in params.yaml, or data/videos.csv"


def pin_held_out(videos: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """Pin the fakes of some methods to test, with all that shares a source or a person with them.

    Args:
        videos: `video, source, identity, split` (a pin, or empty), `method` and the number of
            `fake` faces, [V].
        methods: as `method` in `videos.csv` names them; none changes nothing.

    Returns:
        The videos [V] with their new pins.

    Raises:
        ValueError: no fake is of a method, or such a video is pinned to train or validation.
    """
    is_held_out = videos["method"].isin(methods) & (videos["fake"] > 0)
    missing = sorted(set(methods) - set(videos.loc[is_held_out, "method"]))
    if missing:
        known = sorted(set(videos.loc[videos["fake"] > 0, "method"]) - {""})
        raise ValueError(
            f"split.hold_out_methods: no fake is made by {', '.join(missing)}; the methods in "
            f"data/videos.csv are {', '.join(known) or 'none'}; {REMEDY}"
        )
    components = pd.Series(find_components(videos), videos.index)
    is_linked = components.isin(components[is_held_out])
    pinned = videos[is_linked & ~videos["split"].isin(["", "test"])]
    if len(pinned):
        first = pinned.iloc[0]
        raise ValueError(
            f"{first['video']} is pinned to {first['split']}, but shares a source or a person "
            f"with a fake of a held-out method; {REMEDY}"
        )
    return videos.assign(split=videos["split"].where(~is_linked, "test"))
