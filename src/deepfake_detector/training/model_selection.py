"""What trainings of the single shot, and their epochs, are compared by."""

from deepfake_detector.config.schema import Params


def find_objective(params: Params) -> str:
    """Say which column of `history.csv` tells how good the single shot is; more is better.

    Where its labels are the last word it is the mAP. Where a second look labels the faces, mAP
    would go by labels that do not count: it is COCO's AP of the faces whatever their label.
    """
    return "validation_location_ap_coco" if params.second_look.enabled else "validation_map"
