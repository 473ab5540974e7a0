"""What trainings of the SSD, and their epochs, are compared by."""

from deepfake_detector.config.schema import Params


def find_objective(params: Params) -> str:
    """Say which column of `history.csv` tells how good the SSD is; more is better.

    Where its labels are the last word it is the mAP. Where a face classifier labels the faces, mAP
    would go by labels that do not count: it is COCO's AP of the faces whatever their label.
    """
    return (
        "validation_class_agnostic_ap_50_95"
        if params.face_classifier.enabled
        else "validation_map_50"
    )
