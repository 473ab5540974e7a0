"""Everything that is drawn: charts (Matplotlib) and pictures with faces (OpenCV).

Charts are returned as figures; `save_figure` writes them.
"""

from deepfake_detector.figures.charts import (
    draw_confusion,
    draw_over_threshold,
    draw_precision_recall,
)
from deepfake_detector.figures.faces import draw_faces
from deepfake_detector.figures.sheets import draw_sheet
from deepfake_detector.figures.style import save_figure
from deepfake_detector.figures.training import draw_training
from deepfake_detector.figures.verdicts import draw_reliability

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
