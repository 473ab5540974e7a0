"""The page as a person sees it, in a real browser."""

import os
from pathlib import Path

import pytest

import chromium
from clips import FACE_PX, make_frame, write_clip

pytestmark = pytest.mark.skipif(
    chromium.PROGRAM is None, reason="no chromium here (Debian: apt-get install chromium)"
)

SCREENSHOTS = "SCREENSHOTS"
"""Environment variable: a folder to keep the screenshots in."""


@pytest.fixture(scope="module")
def browser(served, tmp_path_factory):
    browser = chromium.Browser(tmp_path_factory.mktemp("chromium"))
    browser.open(served.address)
    yield browser
    browser.close()


def hand_in(browser, path):
    browser.evaluate("document.body.dataset.shown = ''")
    browser.choose_file("#file", path)
    browser.wait_for("['result', 'rejection'].includes(document.body.dataset.shown)")


def read(browser, name):
    return browser.evaluate(f"document.getElementById('{name}').textContent")


def is_shown(browser, name):
    return browser.evaluate(f"document.getElementById('{name}').checkVisibility()")


def keep_screenshot(browser, name, tmp_path):
    folder = Path(os.environ.get(SCREENSHOTS, tmp_path))
    browser.take_screenshot(folder / f"{name}.png")
    assert (folder / f"{name}.png").stat().st_size > 5000


def test_a_video_is_handed_in_and_its_verdict_shown(browser, tmp_path):
    frames = [make_frame([("fake", FACE_PX)], size_px=(320, 240))] * 20
    hand_in(browser, write_clip(tmp_path / "film.mp4", frames))
    assert is_shown(browser, "result")
    assert not is_shown(browser, "rejection")
    assert read(browser, "answer") == "likely fake"
    assert "probability of fake 0.95" in read(browser, "why")
    browser.wait_for("document.querySelector('video').readyState >= 2")  # the drawn video plays
    assert browser.evaluate("document.querySelector('video').videoWidth") == 320
    assert read(browser, "downloads") == "Save annotated.mp4Save report.htmlSave verdict.json"
    keep_screenshot(browser, "verdict", tmp_path)


def test_a_rejection_is_shown_in_place_of_the_verdict_before(browser, tmp_path):
    (tmp_path / "notes.mp4").write_text("no video\n" * 50)
    hand_in(browser, tmp_path / "notes.mp4")
    assert "notes.mp4: not a video" in read(browser, "reason")
    assert is_shown(browser, "rejection")
    assert not is_shown(browser, "result")
    keep_screenshot(browser, "rejection", tmp_path)


def test_a_video_without_a_face_is_rejected(browser, tmp_path):
    hand_in(browser, write_clip(tmp_path / "empty.mp4", [make_frame()] * 8))
    assert "no face was found" in read(browser, "reason")


def test_a_file_that_is_too_large_is_rejected(browser, tmp_path):
    (tmp_path / "large.mp4").write_bytes(bytes(1_200_000))
    hand_in(browser, tmp_path / "large.mp4")
    assert "larger than 1 MB" in read(browser, "reason")
