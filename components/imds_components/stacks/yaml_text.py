"""YAML as the Pulumi engine reads it: yaml.v3 takes ``off`` and ``2026-12-31`` for strings, PyYAML does not."""

from __future__ import annotations

import re

import yaml

from imds_provider.errors import InvalidInputError

_BEGINS_WITH_LETTER = re.compile(r"[A-Za-z]")


class _Loader(yaml.SafeLoader):
    """Takes a plain scalar for a string unless YAML 1.2's core schema says otherwise. Refuses repeated keys."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  PyYAML copies it before it adds to it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002  PyYAML's signature
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if repeated := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"{repeated[0]} is set twice", node.start_mark)
        made: dict[object, object] = super().construct_mapping(node, deep)
        return made


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("merge", r"<<", "<"),
):
    _firsts = [*_first, ""] if _tag == "null" else list(_first)
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _firsts)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  PyYAML's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  PyYAML's signature
        """Indent lists as the engine does when it rewrites a stack file, so that a diff shows changes alone."""
        super().increase_indent(flow, False)  # noqa: FBT003


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Quote what other parsers may take for a number: PyYAML leaves ``012345678912`` and ``1e3`` plain."""
    style = None if _BEGINS_WITH_LETTER.match(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)


def load(name: str, text: str) -> dict[str, object]:
    """Read a YAML object. Raises :class:`InvalidInputError` naming the file."""
    try:
        content = yaml.load(text, _Loader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInputError(f"{name} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InvalidInputError(f"{name} must be a YAML object, as a stack file is.")
    return content


def dump(content: dict[str, object]) -> str:
    """Write a YAML object, its keys in their order."""
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text
