from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.training.model_selection import find_objective


def test_labels_that_a_face_classifier_replaces_do_not_count():
    params = load_params(PROJECT / "params.yaml")

    def find(enabled):
        look = params.face_classifier.model_copy(update={"enabled": enabled})
        return find_objective(params.model_copy(update={"face_classifier": look}))

    assert find(True) == "validation_class_agnostic_ap_50_95"
    assert find(False) == "validation_map_50"
