"""A loss written as arithmetic, `where(e < 1, e**2 / 2, e - 0.5)`, turned into a function without executing code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

import numpy as np

from trainvitals.parsers.errors import TrainvitalsError
from trainvitals.parsers.model import Floats

Loss = Callable[[Floats], Floats]
Value = Floats | np.float64

LONGEST = 2000
"""Characters of an expression; deeper nesting than so many allow would exhaust the interpreter's stack."""
VARIABLES = ("error", "e", "d", "x")
"""Names of the one variable."""

CONSTANTS: Mapping[str, float] = {"pi": float(np.pi), "inf": float(np.inf)}
BINARY: Mapping[type, Callable[[Value, Value], Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.true_divide,
    ast.Pow: np.power,
    ast.Mod: np.mod,
    ast.BitAnd: np.logical_and,
    ast.BitOr: np.logical_or,
}
UNARY: Mapping[type, Callable[[Value], Value]] = {
    ast.USub: np.negative,
    ast.UAdd: np.positive,
    ast.Not: np.logical_not,
}
COMPARISONS: Mapping[type, Callable[[Value, Value], Value]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
FUNCTIONS: Mapping[str, tuple[int, Callable[..., Value]]] = {
    "abs": (1, np.abs),
    "exp": (1, np.exp),
    "expm1": (1, np.expm1),
    "log": (1, np.log),
    "log1p": (1, np.log1p),
    "sqrt": (1, np.sqrt),
    "tanh": (1, np.tanh),
    "cosh": (1, np.cosh),
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "where": (3, np.where),
}
"""Functions by name, with the number of their arguments."""


class ExpressionError(TrainvitalsError):
    """An expression that is not arithmetic of one variable."""


def compiled(text: str) -> Loss:
    """The function of one variable (`error`, `e`, `d` or `x`) that an expression describes; it takes an array `(n,)`.

    Raises:
        ExpressionError: what is not allowed in it, or not understood, with its column.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression of {len(text)} characters; at most {LONGEST} are read")
    try:
        body = ast.parse(text.strip(), mode="eval").body
        _checked(body)
    except SyntaxError as error:
        raise ExpressionError(f"{text!r} is no arithmetic: {error.msg} at column {error.offset}") from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise ExpressionError(f"an expression that cannot be read: {type(error).__name__}") from error

    def loss(error: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(_value(body, error), np.float64), np.shape(error))

    return loss


def _checked(node: ast.expr) -> None:
    """Walk through the whole expression once, so that a branch that is never taken cannot hide anything."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.expr) and not (isinstance(node, ast.Call) and part is node.func):
            _checked(part)
    if not _known(node):
        raise ExpressionError(f"column {node.col_offset + 1}: {ast.unparse(node)!r} is not allowed in an expression")


def _known(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.Name(id=name):
            return name in VARIABLES or name in CONSTANTS
        case ast.BinOp(op=op):
            return type(op) in BINARY
        case ast.UnaryOp(op=op):
            return type(op) in UNARY
        case ast.Compare(ops=ops):
            return all(type(op) in COMPARISONS for op in ops)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return name in FUNCTIONS and FUNCTIONS[name][0] == len(arguments)
    return False


def _value(node: ast.expr, error: Floats) -> Value:
    match node:
        case ast.Constant(value=value):
            # As a float: whole numbers of Python grow without bound in 9**9**9**9.
            return np.float64(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return np.float64(CONSTANTS[name]) if name in CONSTANTS else error
        case ast.BinOp(left=left, op=op, right=right):
            return BINARY[type(op)](_value(left, error), _value(right, error))
        case ast.UnaryOp(op=op, operand=operand):
            return UNARY[type(op)](_value(operand, error))
        case ast.Compare(left=left, ops=ops, comparators=others):
            values = [_value(part, error) for part in (left, *others)]
            found = [COMPARISONS[type(op)](a, b) for op, a, b in zip(ops, values, values[1:], strict=False)]
            return np.asarray(np.logical_and.reduce(np.broadcast_arrays(*found)), np.float64)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name][1](*(_value(argument, error) for argument in arguments))
    raise AssertionError(node)
