"""From frames to a verdict: faces followed through a video, and what their scores say together."""
