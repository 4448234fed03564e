"""Conditions such as ``(z < 0.06) & (degree > 5)``, worked out over arrays by a short whitelist.

Nothing is handed to ``eval``: the syntax tree is walked, and what it may hold is listed here.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.wording import brief

LONGEST = 2000  # characters
LARGEST_POWER = 16

_BINARY: dict[type, Callable] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: np.true_divide, ast.FloorDiv: np.floor_divide, ast.Mod: np.remainder,
}  # fmt: skip
_LOGICAL: dict[type, Callable] = {
    ast.BitAnd: np.logical_and, ast.BitOr: np.logical_or, ast.BitXor: np.logical_xor,
}  # fmt: skip
_COMPARE: dict[type, Callable] = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
    ast.Eq: np.equal, ast.NotEq: np.not_equal,
}  # fmt: skip
FUNCTIONS: dict[str, Callable] = {
    "abs": np.abs, "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "atan2": np.arctan2, "hypot": np.hypot, "floor": np.floor, "ceil": np.ceil,
    "round": np.round, "min": np.min, "max": np.max, "mean": np.mean, "median": np.median,
}  # fmt: skip
_ARGUMENTS = {"atan2": 2, "hypot": 2}
CONSTANTS = {"pi": np.pi, "True": True, "False": False}


def evaluate(text: str, names: Mapping[str, Callable[[], Any]]) -> Any:
    """The value of an expression over arrays.

    Parameters
    ----------
    text : str
        Numbers, the given names (in quotes where they are no words), ``+ - * / // % **`` (powers
        up to 16), comparisons and chains of them, ``& | ^ ~`` or ``and or not``, and ``abs sqrt
        exp log sin cos tan atan2 hypot floor ceil round min max mean median``.
    names : mapping of str to callable
        Each name's array, made when it is first wanted.

    Returns
    -------
    ndarray or scalar

    Raises
    ------
    InputError
        Where the text holds anything else.
    """
    short = brief(text)
    if quoted(text.strip()) in names:  # the name of an array, alone
        return names[quoted(text.strip())]()
    if len(text) > LONGEST:
        raise InputError(f"the selection is longer than {LONGEST} characters: '{short}'")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        with np.errstate(all="ignore"):
            return _Walker(short, names).value(tree.body)
    except (SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        hint = error.msg if isinstance(error, SyntaxError) else "shapes do not fit"
        raise InputError(f"'{short}' is no condition that can be read ({hint})") from None
    except (RecursionError, MemoryError):
        raise InputError(f"'{short}' is nested too deeply") from None
    except (TypeError, ArithmeticError):
        raise InputError(f"'{short}' mixes numbers and conditions: put parentheses") from None


def quoted(name: str) -> str:
    """The key of a name that stands in quotes, as ``"Material Ids" == 3`` has it."""
    return f"'{name}'"


def names_in(text: str) -> set[str]:
    """The names that an expression may ask for, as keys; a text that cannot be read may be one."""
    found = {text.strip(), quoted(text.strip())}  # a whole text may be the name of an array
    try:
        nodes = ast.walk(ast.parse(text.strip(), mode="eval"))
        for node in nodes if len(text) <= LONGEST else ():
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {node.value, quoted(node.value)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass  # evaluate says why
    return found


class _Walker:
    """Works out one syntax tree."""

    def __init__(self, text: str, names: Mapping[str, Callable[[], Any]]) -> None:
        self.text, self.names = text, names
        bare = [name for name in names if name == name.strip("'") or name.strip("'") not in names]
        self.known = " ".join(bare)

    def value(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                return np.float64(number) if not isinstance(number, bool) else number
            case ast.Name(id=name):
                return self._named(name)
            case ast.Constant(value=str() as name):
                return self._named(quoted(name) if quoted(name) in self.names else name)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self._number(inner)
            case ast.UnaryOp(op=ast.UAdd(), operand=inner):
                return self._number(inner)
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=inner):
                return np.logical_not(self._condition(inner))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(left, right)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](self._number(left), self._number(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _LOGICAL:
                return _LOGICAL[type(op)](self._condition(left), self._condition(right))
            case ast.BoolOp(op=op, values=values):
                join = np.logical_and if isinstance(op, ast.And) else np.logical_or
                result = self._condition(values[0])
                for inner in values[1:]:
                    result = join(result, self._condition(inner))
                return result
            case ast.Compare():
                return self._comparison(node)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        raise InputError(
            f"'{self.text}': {brief(ast.unparse(node))} may not stand in a condition: use numbers, "
            f"arithmetic, comparisons and the names {self.known}"
        )

    def _named(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]()
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise InputError(f"'{self.text}': there is no '{name}': the names are {self.known}")

    def _number(self, node: ast.AST) -> Any:
        value = self.value(node)
        kind = np.asarray(value).dtype.kind
        is_array = isinstance(node, ast.Name) or isinstance(getattr(node, "value", None), str)
        if kind == "b" and not is_array:  # an array of zeros and ones may be both
            raise TypeError("a condition where a number belongs")
        # Small integers would wrap: 1 - 2 is 255 in uint8.
        return np.asarray(value, dtype=np.float64) if kind in "biu" else value

    def _condition(self, node: ast.AST) -> Any:
        value = self.value(node)
        if np.asarray(value).dtype.kind != "b":
            # "z < 1 & x > 0" binds as z < (1 & x) > 0: tell it instead of guessing.
            raise TypeError("a number where a condition belongs")
        return value

    def _power(self, left: ast.AST, right: ast.AST) -> Any:
        exponent = self._number(right)
        if np.ndim(exponent) or abs(exponent) > LARGEST_POWER:
            raise InputError(
                f"'{self.text}': a power must be one number from -{LARGEST_POWER} to "
                f"{LARGEST_POWER}"
            )
        return np.power(np.asarray(self._number(left), dtype=np.float64), exponent)

    def _comparison(self, node: ast.Compare) -> Any:
        result: Any = True
        left = self._number(node.left)
        for op, inner in zip(node.ops, node.comparators, strict=True):
            if type(op) not in _COMPARE:
                raise InputError(f"'{self.text}': only < <= > >= == != compare here")
            right = self._number(inner)
            result = np.logical_and(result, _COMPARE[type(op)](left, right))
            left = right
        return result

    def _call(self, name: str, arguments: list[ast.expr]) -> Any:
        if name not in FUNCTIONS:
            raise InputError(
                f"'{self.text}': there is no function '{name}': known are {' '.join(FUNCTIONS)}"
            )
        if len(arguments) != _ARGUMENTS.get(name, 1):
            raise InputError(
                f"'{self.text}': {name} takes {_ARGUMENTS.get(name, 1)} value"
                f"{'s' * (_ARGUMENTS.get(name, 1) > 1)}"
            )
        return FUNCTIONS[name](*[self._number(argument) for argument in arguments])
