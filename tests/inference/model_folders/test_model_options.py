import argparse

import pytest

from deepfake_detector.inference.model_folders.model_options import add_model_options, parse_rate


def parse(*words):
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    return vars(parser.parse_args(words))


def test_without_options_fakes_are_as_common_as_real_videos():
    assert parse() == {"model": None, "prevalence": 0.5, "max_false_positive_rate": None}


def test_a_model_is_named_or_found():
    assert parse("--model", "auto")["model"] is None
    assert parse("--model", "released@0.1")["model"] == "released@0.1"


def test_rates_are_numbers_or_percentages():
    asked = parse("--prevalence", "1%", "--max-false-positive-rate", "0.05")
    assert (asked["prevalence"], asked["max_false_positive_rate"]) == (0.01, 0.05)


@pytest.mark.parametrize("text", ["0", "1", "100%", "-0.1", "nan", "some", ""])
def test_what_is_no_rate_is_rejected(text):
    with pytest.raises(argparse.ArgumentTypeError, match="between 0 and 1, got"):
        parse_rate(text)
