import pytest

from deepfake_detector.config.schema import Params
from deepfake_detector.tuning.fingerprint import check_fingerprint, make_fingerprint


def test_a_study_goes_on_with_what_it_began_with_alone(study):
    check_fingerprint(study, "same")
    check_fingerprint(study, "same")
    with pytest.raises(ValueError, match="study first began with other frames"):
        check_fingerprint(study, "other")


def test_the_fingerprint_is_of_frames_and_of_what_is_not_searched(rate_params, folder):
    shard = folder / "a.mp4.tfrecord"
    shard.write_bytes(b"frames")

    def fingerprint(**changes):
        content = rate_params.model_dump(by_alias=True)
        content["train"] |= changes
        return make_fingerprint(Params.model_validate(content), [shard])

    first = fingerprint()
    schedule = rate_params.train.schedule.model_dump()
    assert fingerprint(schedule=schedule | {"learning_rate": 0.5}) == first  # it is searched
    assert fingerprint(epochs=99) != first
    shard.write_bytes(b"others")
    assert fingerprint() != first


def test_a_study_with_a_face_classifier_is_not_one_without(rate_params, folder):
    content = rate_params.model_dump(by_alias=True)
    content["face_classifier"]["enabled"] = False
    without = Params.model_validate(content)
    assert make_fingerprint(without, []) != make_fingerprint(rate_params, [])
