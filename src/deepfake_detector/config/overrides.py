"""Values given by name, as on the command line, in place of those in `params.yaml`."""

import json
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from deepfake_detector.config.schema import ADVANCED, flatten_params, parse_params
from deepfake_detector.config.yaml_edit import parse_yaml, read_yaml, replace_value


def parse_names(words: list[str]) -> dict[str, str]:
    """Turn `--epochs 15 --train.batch_size=8` into names and texts.

    Raises:
        ValueError: a word is no `--name`, or a name has no value.
    """
    values, rest = {}, list(words)
    while rest:
        name, joined, value = rest.pop(0).partition("=")
        if not name.startswith("--"):
            raise ValueError(f"expected --name value, got {name!r}")
        if not joined:
            if not rest:
                raise ValueError(f"{name}: a value is missing")
            value = rest.pop(0)
        values[name[2:]] = value
    return values


def read_preset(name: str, folder: Path) -> dict[str, str]:
    """Read the values that a preset, a file of some of the parameters, puts in place of others.

    Returns:
        Texts by dotted names, as `parse_names` gives them.

    Raises:
        ValueError: there is no such preset; the message lists those there are.
    """
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        raise ValueError(f"{name}: no such preset; {folder}/ has {', '.join(known) or 'none'}")
    return dict(_flatten(read_yaml(folder / f"{name}.yaml"), ""))


def _flatten(values: dict, prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)


def override_params(text: str, values: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Replace values in the text of `params.yaml`; comments and layout stay.

    Args:
        values: by dotted name (`train.epochs`), or by a last part that only one has, or only one
            of `train` (`epochs`).

    Returns:
        The new text, and the values by their full names.

    Raises:
        ValueError: a name is unknown or stands for several, or a value does not fit its parameter;
            the message says what there is.
    """
    known = flatten_params(parse_params(text))
    full = {find_key(name, list(known)): value for name, value in values.items()}
    for key, value in full.items():
        new = _to_yaml(value, is_text=isinstance(known[key], str))
        text = replace_value(text, [key, f"{ADVANCED}.{key}"], new)
    parse_params(text)
    return text, full


def find_key(name: str, known: list[str]) -> str:
    """Find the full dotted name that a name stands for; of several, the one of `train`."""
    found = [key for key in known if key == name] or [
        key for key in known if key.endswith(f".{name}")
    ]
    first = [key for key in found if key.startswith("train.")]
    for choice in (found, first):
        if len(choice) == 1:
            return choice[0]
    if found:
        raise ValueError(f"{name}: could be {' or '.join(found)}; give the full name")
    choices = "\n  ".join(known)
    near = get_close_matches(name, {part for key in known for part in (key, key.split(".")[-1])})
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"params.yaml has\n  {choices}\n{name}: unknown parameter{hint}")


def _to_yaml(value: str, is_text: bool) -> str:
    if is_text:
        return value if re.fullmatch(r"[A-Za-z_][\w./-]*", value) else json.dumps(value)
    try:
        return json.dumps(parse_yaml(value))  # one line, and not more than one value
    except (TypeError, ValueError):
        return json.dumps(value)
