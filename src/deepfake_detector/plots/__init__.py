"""Everything that is drawn: charts (Matplotlib) and pictures with faces (OpenCV).

Charts are returned as figures; `save_figure` writes them.
"""

from deepfake_detector.plots.charts import (
    draw_confusion,
    draw_over_threshold,
    draw_precision_recall,
)
from deepfake_detector.plots.example_sheet import draw_sheet
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.plots.reliability import draw_reliability
from deepfake_detector.plots.style import save_figure
from deepfake_detector.plots.training_curves import draw_training

__all__ = [
    "draw_confusion",
    "draw_faces",
    "draw_over_threshold",
    "draw_precision_recall",
    "draw_reliability",
    "draw_sheet",
    "draw_training",
    "save_figure",
]
