from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.training.model_selection import find_objective


def test_labels_that_a_second_look_replaces_do_not_count():
    params = load_params(PROJECT / "params.yaml")

    def find(enabled):
        look = params.second_look.model_copy(update={"enabled": enabled})
        return find_objective(params.model_copy(update={"second_look": look}))

    assert find(True) == "validation_location_ap_coco"
    assert find(False) == "validation_map"
