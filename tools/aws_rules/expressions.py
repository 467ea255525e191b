"""DynamoDB's expressions, read as DynamoDB reads them.

Grammar: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html and the
pages below it; limits: …/developerguide/Constraints.html#limits-expression-parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tools.aws_rules.expression_tokens import ExpressionError, reserved_words, tokens

MAX_EXPRESSION_BYTES = 4096
MAX_OPERATORS = 300
_COMPARATORS = {"=", "<>", "<", "<=", ">", ">="}
# How many arguments a function of a condition takes; all but the second of some are paths.
_CONDITIONS = {
    "attribute_exists": 1, "attribute_not_exists": 1,
    "attribute_type": 2, "begins_with": 2, "contains": 2,
}  # fmt: skip
_UPDATES = {"if_not_exists", "list_append"}
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
DocumentPath = tuple[str, ...]


@dataclass
class Parsed:
    """What an expression refers to."""

    names: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    # By section of an update; everything that a condition or projection names is under "".
    paths: dict[str, list[DocumentPath]] = field(default_factory=dict)
    connectives: set[str] = field(default_factory=set)
    predicates: list[str] = field(default_factory=list)
    operators: int = 0


def parse_condition(text: str) -> Parsed:
    """Read a condition, filter or key condition.

    Raises:
        ExpressionError: DynamoDB would refuse it.
    """
    return _Parser(text).condition()


def parse_update(text: str) -> Parsed:
    """Read an update expression.

    Raises:
        ExpressionError: DynamoDB would refuse it.
    """
    return _Parser(text).update()


def parse_projection(text: str) -> Parsed:
    """Read a projection expression.

    Raises:
        ExpressionError: DynamoDB would refuse it.
    """
    return _Parser(text).projection()


class _Parser:
    """Recursive descent, one method per rule of the grammar."""

    def __init__(self, text: str) -> None:
        if len(text.encode()) > MAX_EXPRESSION_BYTES:
            raise ExpressionError(f"is above {MAX_EXPRESSION_BYTES} bytes")
        self._tokens = list(tokens(text))
        self._at = 0
        self._section = ""
        self._found = Parsed()

    def condition(self) -> Parsed:
        self._or()
        return self._end()

    def projection(self) -> Parsed:
        self._list(self._path)
        return self._end()

    def update(self) -> Parsed:
        seen: set[str] = set()
        while self._at < len(self._tokens) or not seen:
            self._section = self._next().upper()
            if self._section not in _SECTIONS or self._section in seen:
                raise ExpressionError(f"{self._section} begins no section, or a second one")
            seen.add(self._section)
            self._list(getattr(self, f"_{self._section.lower()}"))
        return self._end()

    # ------------------------------------------------------------------ conditions

    def _or(self) -> None:
        self._joined("OR", lambda: self._joined("AND", self._not))

    def _joined(self, word: str, part: Callable[[], None]) -> None:
        part()
        while self._takes(word):
            self._found.operators += 1
            self._found.connectives.add(word)
            part()

    def _not(self) -> None:
        while self._takes("NOT"):
            self._found.operators += 1
            self._found.connectives.add("NOT")
        if self._takes("("):
            if self._is_redundant():
                raise ExpressionError("has redundant parentheses")
            self._or()
            self._expect(")")
            return
        self._predicate()

    def _is_redundant(self) -> bool:
        """Tell whether the bracket that was just opened holds nothing but one more pair."""
        if self._peek() != "(":
            return False
        depth, at = 1, self._at + 1
        while depth and at < len(self._tokens):
            depth += {"(": 1, ")": -1}.get(self._tokens[at], 0)
            at += 1
        return self._tokens[at : at + 1] == [")"]

    def _predicate(self) -> None:
        self._found.operators += 1
        if self._peek() in _CONDITIONS and self._peek(1) == "(":
            self._found.predicates.append(self._function())
            return
        first = self._operand()
        operator = self._next().upper()
        self._found.predicates.append(operator)
        if operator == "BETWEEN":
            self._operand()
            self._expect("AND")
            self._operand()
        elif operator == "IN":
            self._expect("(")
            self._list(self._operand)
            self._expect(")")
        elif operator not in _COMPARATORS:
            raise ExpressionError(f"{operator} is no comparator")
        elif self._operand() == first:
            raise ExpressionError("compares an operand to itself")

    def _function(self) -> str:
        name = self._next()
        self._expect("(")
        for number in range(_CONDITIONS[name]):
            if number:
                self._expect(",")
            if number or name in {"begins_with", "contains"}:
                self._operand()
            else:
                self._path()
        self._expect(")")
        return name

    # ------------------------------------------------------------------ updates

    def _set(self) -> None:
        self._path()
        self._expect("=")
        self._update_operand()
        if self._takes("+") or self._takes("-"):
            self._found.operators += 1
            self._update_operand()

    def _update_operand(self) -> None:
        """Paths that are only read do not count among those that are written."""
        section, self._section = self._section, "read"
        if self._peek() in _UPDATES and self._peek(1) == "(":
            self._next()
            self._expect("(")
            self._update_operand()
            self._expect(",")
            self._update_operand()
            self._expect(")")
        elif self._peek().startswith(":"):
            self._value()
        else:
            self._path()
        self._section = section

    def _remove(self) -> None:
        self._path()

    def _add(self) -> None:
        self._path()
        self._value()

    _delete = _add

    # ------------------------------------------------------------------ operands

    def _operand(self) -> object:
        if self._peek() == "size" and self._peek(1) == "(":
            self._next()
            self._expect("(")
            path = self._path()
            self._expect(")")
            return ("size", path)
        return self._value() if self._peek().startswith(":") else self._path()

    def _value(self) -> str:
        token = self._next()
        if not token.startswith(":"):
            raise ExpressionError(f"{token} is no value")
        self._found.values.add(token)
        return token

    def _path(self) -> DocumentPath:
        parts = [self._name()]
        while self._peek() in {".", "["}:
            if self._next() == ".":
                parts.append(self._name())
                continue
            index = self._next()
            if not index.isdigit():
                raise ExpressionError(f"{index} is no index")
            parts.append(f"[{index}]")
            self._expect("]")
        self._found.paths.setdefault(self._section, []).append(tuple(parts))
        return tuple(parts)

    def _name(self) -> str:
        token = self._next()
        if token.startswith("#"):
            self._found.names.add(token)
        elif not token[0].isalpha():
            raise ExpressionError(f"{token} is no attribute")
        elif token.upper() in reserved_words():
            raise ExpressionError(f"{token} is reserved")
        return token

    # ------------------------------------------------------------------ tokens

    def _list(self, part: Callable[[], object]) -> None:
        part()
        while self._takes(","):
            part()

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def _next(self) -> str:
        if not self._peek():
            raise ExpressionError("ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, word: str) -> bool:
        is_next = self._peek().upper() == word
        self._at += is_next
        return is_next

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise ExpressionError(f"{self._peek() or 'the end'} stands where {word} should")

    def _end(self) -> Parsed:
        if self._peek():
            raise ExpressionError(f"{self._peek()} follows its end")
        if self._found.operators > MAX_OPERATORS:
            raise ExpressionError(f"has more than {MAX_OPERATORS} operators")
        return self._found
