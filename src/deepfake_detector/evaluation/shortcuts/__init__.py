"""Cues beside the faces that would give the label away, and how well they alone tell it."""
