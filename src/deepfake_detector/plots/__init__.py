"""Everything that is drawn: charts (Matplotlib) and pictures with faces (OpenCV).

Charts are returned as figures; `style.save_figure` writes them.
"""
