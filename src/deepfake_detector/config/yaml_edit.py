"""YAML: files read, and single values changed in place. The only module that knows YAML."""

import re
from pathlib import Path
from typing import Any

import yaml

_MAX_CHARACTERS = 1 << 20
"""Of a file: `params.yaml` has 10,000."""

_FORBIDDEN = {
    yaml.TagToken: "a tag (!)",
    yaml.AliasToken: "an alias (*)",
    yaml.AnchorToken: "an anchor (&)",
    yaml.DirectiveToken: "a directive (%)",
}
"""What no file of parameters needs; aliases of aliases would fill the memory."""


class _Loader(yaml.SafeLoader):
    """Takes 1e-05 for a number, as YAML 1.2 and DVC do; plain PyYAML takes it for a text.

    A date is a text, and a key that is there twice is an error.
    """

    def construct_mapping(self, node, deep=False):
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise ValueError(
                    f"{key.value}: is there twice, on line {lines[key.value]} and on line {line}; "
                    "remove one"
                )
            lines[key.value] = line
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    letter: [pair for pair in resolvers if pair[0] != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def parse_yaml(text: str) -> Any:
    """Turn YAML text into dictionaries, lists, texts and numbers.

    Raises:
        ValueError: the text is not YAML, or has tags, aliases or a key twice; the message gives
            the key or the line.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"over {_MAX_CHARACTERS} characters, which is the limit")
    try:
        _check_tokens(text)
        return _Loader(text).get_single_data()
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {error}") from error
    except RecursionError as error:
        raise ValueError("not valid YAML: nested too deeply") from error


def _check_tokens(text: str) -> None:
    key = "the file"
    for token in yaml.scan(text, Loader=_Loader):
        if type(token) in _FORBIDDEN:
            raise ValueError(
                f"{key}: {_FORBIDDEN[type(token)]} on line {token.start_mark.line + 1} is not "
                "read here; write the value itself"
            )
        if isinstance(token, yaml.ScalarToken):
            key = token.value[:80]


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        ValueError: it is not YAML; the message names the file.
        FileNotFoundError: there is no such file.
    """
    try:
        return parse_yaml(read_utf8(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_utf8(path: Path) -> str:
    """Read a text file.

    Raises:
        ValueError: it is not UTF-8 text.
        FileNotFoundError: there is no such file.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def replace_value(text: str, keys: list[str], value: str) -> str:
    """Return YAML text with one value replaced; all else, layout and comments too, stays.

    Args:
        keys: dotted names, such as `train.schedule.learning_rate`; the first that is there counts.
        value: the new value as YAML on one line, `0.001` or `[8, 12]`.

    Raises:
        KeyError: there is none of the keys.
    """
    root = _Loader(text).get_single_node()
    node = next((node for key in keys if (node := _find_node(root, key)) is not None), None)
    if node is None:
        raise KeyError(keys[0])
    return text[: node.start_mark.index] + value + text[_find_end(node) :]


def _find_node(node: yaml.Node, key: str) -> yaml.Node | None:
    for part in key.split("."):
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        found = [value for name, value in entries if name.value == part]
        if not found:
            return None
        node = found[0]
    return node


def _find_end(node: yaml.Node) -> int:
    """Find where a value ends; a list of `- ` lines ends with its last value, before comments."""
    while isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        node = node.value[-1]
    return node.end_mark.index
