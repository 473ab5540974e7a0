"""The labels a face can have. Index 0 is background, as in SSD (Liu et al. 2016, section 2.2)."""

BACKGROUND = 0
REAL = 1
FAKE = 2

FACE_LABELS = ("real", "fake")
"""Names in the order of their index: `FACE_LABELS[label - 1]`. Scores stand in this order."""

LABEL_COUNT = 1 + len(FACE_LABELS)
"""Length of the label axis `C`: background, real, fake."""


def label_to_name(label: int) -> str:
    """Give the name of a face label, `1` or `2`."""
    return FACE_LABELS[label - 1]


def name_to_label(name: str) -> int:
    """Give the index of a face label.

    Raises:
        ValueError: the name is neither `real` nor `fake`.
    """
    if name not in FACE_LABELS:
        raise ValueError(f"label: expected one of {', '.join(FACE_LABELS)}, got {name!r}")
    return 1 + FACE_LABELS.index(name)
