"""Rules as text, read by Python's own parser, of which only what counts and compares is let in.

A rule is written as in ``pandas.DataFrame.eval``: ``end - start <= 30``, ``total = net + tax``,
``` `hours per week` > 0 ```, ``job == "cook" or pay > 1000``, ``known(end) if state == "closed"``.
Nothing in it is ever executed: it becomes a tree of the nodes below, and
``tables.constraints.formula`` says what each of them is of whole columns.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from keyword import iskeyword

from tabgan.errors import TabganError, one_line

MOST_LETTERS = 2_000
DEEPEST = 100  # levels of a tree
MOST_DIGITS = 15  # of round: as many as float64 has
LARGEST = 1e300
EXACT_INTEGERS = 2**53  # below, every whole number is a float64
NODES = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
    ast.IfExp, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, ast.Call,
)  # fmt: skip
ALLOWED = "columns, numbers, text, + - * / // % **, comparisons, in, and, or, not, if and functions"
FUNCTIONS = {
    "abs": 1, "round": 1, "floor": 1, "ceil": 1, "sqrt": 1, "log": 1, "exp": 1, "min": None,
    "max": None, "known": None, "missing": None, "where": 3, "year": 1, "month": 1, "day": 1,
    "weekday": 1, "hour": 1, "minute": 1, "date": 3, "is_date": 3, "minutes": 1, "clock": 1,
    "clock24": 1,
}  # fmt: skip  # and how many arguments each takes; None for one or more
ALONE = {
    "unique": 1, "matches": 2, "combination": None, "one_hot": None, "step": 2, "range": 3,
    "positive": 1, "follows": None,
}  # fmt: skip  # calls that are a rule by themselves
TOKENS = re.compile(
    r"(?P<name>`[^`]*`)|(?P<text>\"[^\"]*\"|'[^']*')|(?P<equals>(?<![<>=!])=(?!=))|(?P<bit>[&|~])"
    r"|(?P<other>.)",
    re.DOTALL,
)
EQUATION = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|(?P<equals>(?<![<>=!])==?(?!=))|.", re.DOTALL)
BITS = {"&": " and ", "|": " or ", "~": " not "}
QUOTED_NAME = "quoted_name_"


def parse(text: str) -> tuple[ast.expr, dict[str, str]]:
    """The tree of a rule, and which column each name in it that was in backticks means.

    A single ``=`` is ``==``; ``&``, ``|`` and ``~`` are ``and``, ``or`` and ``not``; text in quotes
    is taken as it stands; ``A if B`` holds wherever B does not.

    Raises:
        TabganError: when it is no formula, or has in it anything but what is ``ALLOWED``.
    """
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_LETTERS:
        raise TabganError(
            f"expected a rule as text of at most {MOST_LETTERS:,} letters, such as 'start <= end', "
            f"got {one_line(repr(text)[:100])}"
        )
    names: dict[str, str] = {}
    python = _as_python(text, names)
    tree = _parsed(python) or _parsed(f"{python} else True")
    if tree is None:
        raise TabganError("not a formula; expected one such as 'start <= end' or 'total = a + b'")
    if _depth(tree) > DEEPEST:
        raise TabganError(f"more than {DEEPEST} levels in one rule; give several")
    for node in ast.walk(tree):
        _check(node)
    return tree.body, names


def valued_in(tree: ast.expr, names: Mapping[str, str]) -> set[str]:
    """The columns whose values count in a tree, not only whether there is one."""
    requested = ("known", "missing")
    hidden: set[int] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in requested
        ):
            hidden |= {id(argument) for argument in node.args}
    found = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in hidden)
    return {names.get(node.id, node.id) for node in found}


def columns_of(tree: ast.expr, names: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that a tree names, in their order, each once."""
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in calls
    ]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(names.get(node.id, node.id) for node in found))


def sides(text: str) -> tuple[str, str]:
    """The texts before and behind the ``=`` of an equation; "" twice where there is none."""
    depth = 0
    for match in EQUATION.finditer(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(match[0], 0)
        if match.lastgroup == "equals" and depth == 0:
            return text[: match.start()].strip(), text[match.end() :].strip()
    return "", ""


def quoted(name: str) -> str:
    """A column's name as a rule has it: in backticks, unless it is a plain word."""
    return name if name.isidentifier() and not iskeyword(name) else f"`{name}`"


def number_text(value: float) -> str:
    """A number in the fewest digits that are read as the same number."""
    whole = float(value).is_integer() and abs(value) < EXACT_INTEGERS
    return str(int(value)) if whole else repr(float(value))


def _as_python(text: str, names: dict[str, str]) -> str:
    """The rule with Python's operators, every quoted name replaced by a word of its own."""
    words = []
    for match in TOKENS.finditer(text):
        token = match[0]
        if match.lastgroup == "name":
            word = f"{QUOTED_NAME}{len(names)}"
            names[word] = token[1:-1]
            words.append(word)
        elif match.lastgroup == "text":
            words.append(repr(token[1:-1]))
        elif match.lastgroup == "equals":
            words.append("==")
        else:
            words.append(BITS.get(token, token) if token != "\n" else " ")
    return "".join(words).strip()


def _parsed(python: str) -> ast.Expression | None:
    try:
        return ast.parse(python, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _depth(tree: ast.AST) -> int:
    """How many levels a tree has."""
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def _check(node: ast.AST) -> None:
    if not isinstance(node, NODES):
        raise TabganError(f"{_named(node)} is not allowed in a rule; {ALLOWED} are")
    if isinstance(node, ast.Constant) and not isinstance(node.value, int | float | str):
        raise TabganError(f"{node.value!r} is not allowed in a rule; numbers and text are")
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value > LARGEST:
        raise TabganError("a number beyond 1e300 in a rule")
    if isinstance(node, ast.Call):
        _check_call(node)


def _check_call(node: ast.Call) -> None:
    if not isinstance(node.func, ast.Name) or node.keywords:
        raise TabganError(f"{ast.unparse(node)} is not allowed in a rule; {ALLOWED} are")
    name, n = node.func.id, len(node.args)
    known = FUNCTIONS | ALONE
    if name not in known:
        raise TabganError(f"no function {name!r}; expected one of {sorted(known)}")
    wanted = known[name]
    if name == "round" and n == 2:
        _check_digits(node.args[1])
    elif n != wanted if wanted is not None else n == 0:
        raise TabganError(f"{name}: expected {wanted or 'at least 1'} arguments, got {n}")


def _check_digits(node: ast.expr) -> None:
    value = node.value if isinstance(node, ast.Constant) else None
    if not isinstance(value, int) or not 0 <= value <= MOST_DIGITS:
        raise TabganError(
            f"round: expected decimals from 0 to {MOST_DIGITS}, got {ast.unparse(node)}"
        )


def _named(node: ast.AST) -> str:
    try:
        return ast.unparse(node) or type(node).__name__
    except (ValueError, AttributeError, RecursionError):
        return type(node).__name__
