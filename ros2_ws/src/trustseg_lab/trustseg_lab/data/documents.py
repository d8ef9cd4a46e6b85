# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""YAML and JSON that anybody may have written: whatever is wrong with a document is a ValueError of one line.

The parsers themselves let through what their makers did not think of: a nesting beyond the depth of the stack, a date
of the 99th month, a tag on a word that it does not fit, an integer of more digits than Python takes. And a YAML of 600
bytes whose aliases name each other stands for more values than a memory holds as soon as something walks over them.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

MOST_VALUES = 1_000_000  # of a document, each alias counted as what it stands for
MOST_DEPTH = 100  # of values within values


class _Bounded(yaml.SafeLoader):
    """PyYAML's safe loader, for documents of a size that can be walked over."""

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        values, depth = (0, 0) if node is None else _size(node, {})
        if depth > MOST_DEPTH:
            raise RecursionError
        if values > MOST_VALUES:
            raise ValueError(f"aliases that stand for more than {MOST_VALUES} values")
        return node


def _size(node: Any, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """(values below a node with itself, how deep they lie); merging (<<) makes no more than these."""
    if id(node) not in known:
        known[id(node)] = MOST_VALUES + 1, MOST_DEPTH + 1  # of one that holds itself
        held = [each for pair in node.value for each in pair] if isinstance(node, yaml.MappingNode) else node.value
        below = [_size(each, known) for each in held] if isinstance(node, yaml.CollectionNode) else []
        values = min(MOST_VALUES + 1, 1 + sum(each for each, _ in below))
        known[id(node)] = values, 1 + max((depth for _, depth in below), default=0)
    return known[id(node)]


def parse_yaml(text: str | bytes) -> Any:
    """What a YAML document holds; bytes are UTF-8, or UTF-16 with its mark. ValueError where it is none."""
    try:
        loader = _Bounded(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except Exception as error:
        raise ValueError(_one_line(error)) from None


def parse_json(text: str | bytes) -> Any:
    """What a JSON document holds, as `json.loads` reads it; ValueError where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(_one_line(error)) from None


def _one_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "values nested too deeply"
    told = " ".join(str(error).split())
    return told if isinstance(error, yaml.YAMLError | ValueError) and told else f"{type(error).__name__} {told}".strip()
