# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The gate's language: `failure_share > 0.02 or latency_p99_ms > 50 or miou < 0.6`. Parsed, never evaluated as code.

Numbers, names of figures, + - * /, comparisons, `and`, `or`, `not`, parentheses. A clause whose figures are undefined
cannot be shown to hold or not, and fails the gate.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from trustseg.errors import InputError

MAX_LENGTH = 2000
MAX_DEPTH = 40
FAMILIES = ("reason_", "iou_", "flicker_")  # one figure for each reason or class
ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip


@dataclass(frozen=True)
class Fired:
    """A clause that fails the gate: its text, the figures in it, and whether it is only undefined."""

    clause: str
    values: dict[str, float]
    undefined: bool

    def __str__(self) -> str:
        told = ", ".join(f"{name} = {value:.6g}" for name, value in self.values.items())
        return f"{self.clause}  ({told}{'; undefined' if self.undefined else ''})"


@dataclass(frozen=True)
class Gate:
    """A parsed expression: it fails when any of its clauses, the parts between its outermost `or`s, holds."""

    text: str
    clauses: tuple[ast.expr, ...]

    def check(self, figures: Mapping[str, float]) -> list[Fired]:
        """The clauses that fail, in order; `figures` has every name that `parse_gate` was told."""
        fired = []
        for clause in self.clauses:
            holds = _truth(clause, figures)
            if holds is not False:
                values = {name: figures[name] for name in _names(clause)}
                fired.append(Fired(ast.unparse(clause), values, holds is None))
        return fired


def parse_gate(text: str, known: Collection[str]) -> Gate:
    """Parse `text`; every name in it must be `known`.

    Raises:
        InputError: not an expression of the language, or an unknown name.
    """
    if len(text) > MAX_LENGTH:
        raise InputError("--fail-on is too long", expected=f"at most {MAX_LENGTH} characters", got=str(len(text)))
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(
            f"--fail-on {text!r} cannot be read", expected="such as 'failure_share > 0.02 or miou < 0.6'",
            got=getattr(error, "msg", None) or str(error),
        ) from error  # fmt: skip
    _check_condition(tree, text, 0)
    unknown = sorted(set(_names(tree)) - set(known))
    if unknown:
        raise InputError(
            f"--fail-on names {', '.join(unknown)}, which no figure is called",
            expected="one of " + ", ".join(sorted(n for n in known if not n.startswith(FAMILIES)))
            + ", reason_<NAME>, iou_<class>, flicker_<class>",
        )  # fmt: skip
    is_or = isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.Or)
    return Gate(text, tuple(tree.values) if is_or and isinstance(tree, ast.BoolOp) else (tree,))


def _check_condition(node: ast.expr, text: str, depth: int) -> None:
    """Conditions and numbers are kept apart: `miou or 1` is a slip, not a gate. A bare name is a condition: not 0."""
    if depth > MAX_DEPTH:
        raise InputError("--fail-on is nested too deeply", expected=f"at most {MAX_DEPTH} levels")
    if isinstance(node, ast.BoolOp):
        for each in node.values:
            _check_condition(each, text, depth + 1)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check_condition(node.operand, text, depth + 1)
    elif isinstance(node, ast.Compare) and all(type(op) in COMPARISONS for op in node.ops):
        for each in (node.left, *node.comparators):
            _check_number(each, text, depth + 1)
    elif not isinstance(node, ast.Name):
        raise _refused(node, text, "a comparison such as miou < 0.6, with and, or, not")


def _check_number(node: ast.expr, text: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InputError("--fail-on is nested too deeply", expected=f"at most {MAX_DEPTH} levels")
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        _check_number(node.left, text, depth + 1)
        _check_number(node.right, text, depth + 1)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        _check_number(node.operand, text, depth + 1)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return
    elif not isinstance(node, ast.Name):
        raise _refused(node, text, "a number, the name of a figure, or + - * / of them")


def _refused(node: ast.expr, text: str, expected: str) -> InputError:
    part = ast.get_source_segment(text.strip(), node) or type(node).__name__
    return InputError(f"--fail-on cannot contain {part!r}", expected=expected)


def _names(node: ast.expr) -> list[str]:
    """Names in order of appearance, each once."""
    return list(dict.fromkeys(each.id for each in ast.walk(node) if isinstance(each, ast.Name)))


def _truth(node: ast.expr, figures: Mapping[str, float]) -> bool | None:
    """Whether a condition holds; None where that depends on something undefined (Kleene's three values)."""
    if isinstance(node, ast.BoolOp):
        values = [_truth(each, figures) for each in node.values]
        deciding = isinstance(node.op, ast.Or)
        if deciding in values:
            return deciding
        return None if None in values else not deciding
    if isinstance(node, ast.UnaryOp):
        value = _truth(node.operand, figures)
        return None if value is None else not value
    if isinstance(node, ast.Compare):
        numbers = [_number(each, figures) for each in (node.left, *node.comparators)]
        if any(math.isnan(each) for each in numbers):
            return None
        pairs = zip(node.ops, numbers, numbers[1:], strict=False)
        return all(COMPARISONS[type(op)](a, b) for op, a, b in pairs)
    value_of_name = _number(node, figures)
    return None if math.isnan(value_of_name) else value_of_name != 0.0


def _number(node: ast.expr, figures: Mapping[str, float]) -> float:
    if isinstance(node, ast.BinOp):
        left, right = _number(node.left, figures), _number(node.right, figures)
        try:
            return ARITHMETIC[type(node.op)](left, right)
        except (ZeroDivisionError, OverflowError):
            return math.nan
    if isinstance(node, ast.UnaryOp):
        value = _number(node.operand, figures)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        try:
            return float(node.value)
        except OverflowError:
            return math.nan
    if isinstance(node, ast.Name):
        return float(figures[node.id])
    raise TypeError(f"{type(node).__name__} was not checked")
