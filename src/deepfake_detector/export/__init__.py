"""A trained detector in formats of other programs: SavedModel, ONNX and LiteRT, checked."""
