"""A trained detector in formats of other programs: SavedModel and ONNX, checked."""
