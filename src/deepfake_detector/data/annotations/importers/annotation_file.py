"""An annotation file as the importers get it: its text, what it looks like, and walks through it.

JSON and XML are walked entry by entry, so that memory holds one entry and the text, never the
whole tree. XML is read without entities and DTDs, by defusedxml.
"""

import io
import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

MAX_BYTES = 512 << 20
"""Of a file; a million faces are 60 to 250 MB, and memory holds the text once or twice."""

_MAX_XML_DEPTH = 50  # elements inside each other; CVAT has 8
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class AnnotationFile:
    """A file: its kind is `json list`, `json object`, `xml` or `text`.

    `keys` are those of the JSON object, or of the first object of the list, or the name of the
    XML's outermost element; `starts` is where in the text the value of each key begins.
    """

    path: Path
    text: str
    kind: str
    keys: frozenset[str]
    starts: dict[str, int]


def open_annotation_file(path: Path) -> AnnotationFile:
    """Read a file's text and look at its outermost level.

    Raises:
        ValueError: it is a folder, too large, not UTF-8, or begins as JSON or XML and is not.
    """
    if path.is_dir():
        raise ValueError("a folder; put a file here")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"over {MAX_BYTES >> 20} MB; split it into several files")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text; save it in UTF-8") from error
    start = _skip_space(text, 0)
    if text.startswith("{", start):
        starts = _index_object(text)
        return AnnotationFile(path, text, "json object", frozenset(starts), starts)
    if text.startswith("[", start):
        first = next(walk_json(text, start), (None, None))[1]
        keys = frozenset(first) if isinstance(first, dict) else frozenset()
        return AnnotationFile(path, text, "json list", keys, {"": start})
    if text.startswith("<", start):
        root = next(walk_xml(text[start:]))[1]
        return AnnotationFile(path, text[start:], "xml", frozenset([root.tag]), {})
    return AnnotationFile(path, text, "text", frozenset(), {})


def walk_values(file: AnnotationFile, key: str = "") -> Iterator[Any]:
    """Yield the values of the list or object at a key of a JSON file; `""` is the file's list.

    A key that is not there has none.

    Raises:
        ValueError: not valid JSON, or there is neither list nor object at the key.
    """
    start = file.starts.get(key)
    if start is None:
        return
    if file.text[start] not in "[{":
        raise ValueError(f"{key}: expected a list, got {file.text[start : start + 20]!r}")
    end = yield from _walk_values(file.text, start)
    if file.kind == "json list":
        _check_end(file.text, end)


def walk_json(text: str, start: int) -> Iterator[tuple[str | None, Any]]:
    """Yield key and value of each entry of the JSON list (its keys are None) or object at a place.

    Raises:
        ValueError: not valid JSON, or nested too deeply.
    """
    for key, _, value in _walk(text, start, keep=True):
        yield key, value


def _walk_values(text: str, start: int) -> Generator[Any, None, int]:
    entries = _walk(text, start, keep=True)
    while True:
        try:
            _, _, value = next(entries)
        except StopIteration as stop:
            return stop.value
        yield value


def _index_object(text: str) -> dict[str, int]:
    """Find where the value of each key of the outermost object begins; check its end."""
    starts, entries = {}, _walk(text, _skip_space(text, 0), keep=False)
    while True:
        try:
            key, begin, _ = next(entries)
        except StopIteration as stop:
            _check_end(text, stop.value)
            return starts
        starts[key] = begin


def _check_end(text: str, end: int) -> None:
    if _skip_space(text, end) < len(text):
        raise ValueError(f"not valid JSON (more text after its end, place {end}); export it again")


def _walk(text: str, start: int, keep: bool) -> Generator[tuple[Any, int, Any], None, int]:
    """Yield key, place and value of each entry of a list or object; return where that ends.

    `keep` false: lists and objects in it are passed entry by entry, their value is None.
    """
    is_object = text[start] == "{"
    closing = "}" if is_object else "]"
    key, position = None, _skip_space(text, start + 1)
    while not text.startswith(closing, position):
        if is_object:
            key, position = _decode(text, position)
            position = _skip_space(text, position)
            if not isinstance(key, str) or not text.startswith(":", position):
                raise ValueError(f"not valid JSON (no key at place {position}); export it again")
            position = _skip_space(text, position + 1)
        begin = position
        if keep or not text.startswith(("[", "{"), begin):
            value, position = _decode(text, begin)
        else:
            value, position = None, _find_end(text, begin)
        yield key, begin, value
        position = _skip_space(text, position)
        if text.startswith(",", position):
            position = _skip_space(text, position + 1)
        elif not text.startswith(closing, position):
            raise ValueError(
                f"not valid JSON (expected , or {closing} at place {position}); export it again"
            )
    return position + 1


def _find_end(text: str, start: int) -> int:
    entries = _walk(text, start, keep=True)
    while True:
        try:
            next(entries)
        except StopIteration as stop:
            return stop.value


def _decode(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except RecursionError as error:
        raise ValueError("not valid JSON (nested too deeply); export it again") from error
    except ValueError as error:  # also of numbers of over 4,300 digits
        raise ValueError(f"not valid JSON ({error}); export it again") from error


def _skip_space(text: str, start: int) -> int:
    return _SPACE.match(text, start).end()


def walk_xml(text: str) -> Iterator[tuple[str, Element]]:
    """Yield `start` and `end` of each XML element with the element; the caller clears them.

    Raises:
        ValueError: not valid XML, with entities or a DTD, or nested too deeply.
    """
    depth = 0
    try:
        source = io.BytesIO(text.encode("utf-8", "replace"))
        for event, element in iterparse(source, events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            if depth > _MAX_XML_DEPTH:
                raise ValueError("not valid XML (nested too deeply); export it again")
            yield event, element
    except ParseError as error:
        raise ValueError(f"not valid XML ({error}); export it again") from error
    except DefusedXmlException as error:
        raise ValueError(f"XML with entities or a DTD is not read ({error})") from error
