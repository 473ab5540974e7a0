"""Limits of what is decoded, so that a small file cannot take all memory or time.

Constants and not parameters: nobody has a reason to change them for a training, and a change must
not make a stage stale.
"""

MAX_VIDEO_PX = 8192 * 4320
"""Pixels of a video's frame, as coded: 8K. A decoder keeps about 20 frames: 1 GB in 4:2:0."""

MAX_IMAGE_PX = 128_000_000
"""Pixels of an image: 384 MB as RGB. Cameras of telephones end at 108 million."""

MAX_IMAGE_BYTES = 1 << 28
"""Bytes of an image file, which is read whole."""

MAX_VIDEO_SECONDS = 24 * 3600.0
"""Seconds from a video's first frame: a day. What claims more has broken times."""

MIN_FPS, MAX_FPS = 0.001, 1000.0
"""Rates in a header that can be meant: a frame in a quarter of an hour to slow motion."""

FALLBACK_FPS = 25.0
"""Where a header says no rate that can be meant."""
