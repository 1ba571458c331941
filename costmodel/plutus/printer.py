"""Printer of textual UPLC, in the official concrete syntax, on one line.

A binder is named after its depth (v0 is the outermost), so equal programs have equal texts.
"""

from typing import Any, Final

from costmodel.errors import InputError
from costmodel.plutus.data import DataConstr, DataList, DataMap
from costmodel.plutus.decimal_digits import format_decimal
from costmodel.plutus.term import (
    Apply,
    BuiltinTerm,
    Case,
    Const,
    Constr,
    Delay,
    Force,
    Lam,
    Program,
    Term,
    Var,
)
from costmodel.plutus.universe import DATA, VALUE_ENTRIES, Constant, ConstantType, list_of, pair_of

_DATA_FIELDS: Final = list_of(DATA)
_DATA_ENTRIES: Final = list_of(pair_of(DATA, DATA))


def print_program(program: Program) -> str:
    """A text that `parse_program` reads as an equal program."""
    return f"(program {program.version} {_print_term(program.term)})"


class _Unbind:
    """Work item: a lambda's body ends here."""


_UNBIND: Final = _Unbind()


def _print_term(top: Term) -> str:
    pieces: list[str] = []
    binders = 0
    stack: list[Term | str | _Unbind] = [top]
    while stack:
        term = stack.pop()
        match term:
            case str():
                pieces.append(term)
            case _Unbind():
                binders -= 1
                pieces.append(")")
            case Var():
                pieces.append(f"v{binders - term.index}")
            case Lam():
                pieces.append(f"(lam v{binders} ")
                binders += 1
                stack += (_UNBIND, term.body)
            case Apply():
                pieces.append("[")
                _push_application(stack, term)
            case _:
                _print_other(pieces, stack, term)
    return "".join(pieces)


def _print_other(pieces: list[str], stack: list[Term | str | _Unbind], term: Term) -> None:
    match term:
        case Delay():
            pieces.append("(delay ")
            stack += (")", term.body)
        case Force():
            pieces.append("(force ")
            stack += (")", term.body)
        case Const():
            pieces.append(f"(con {print_constant(term.constant)})")
        case BuiltinTerm():
            pieces.append(f"(builtin {term.builtin.name})")
        case Constr():
            pieces.append(f"(constr {term.tag}")
            _push_spaced(stack, term.fields)
        case Case():
            pieces.append("(case")
            _push_spaced(stack, (term.scrutinee, *term.branches))
        case _:
            pieces.append("(error)")


def _push_spaced(stack: list[Term | str | _Unbind], terms: tuple[Term, ...]) -> None:
    stack.append(")")
    for term in reversed(terms):
        stack += (term, " ")


def _push_application(stack: list[Term | str | _Unbind], term: Term) -> None:
    stack.append("]")
    while isinstance(term, Apply):
        stack += (term.argument, " ")
        term = term.function
    stack.append(term)


def print_constant(constant: Constant) -> str:
    """A constant as it stands after `con`: its type and its value. InputError for one without textual form."""
    value = _print_value(constant.type, constant.value)
    return f"{print_type(constant.type)} {f'({value})' if constant.type == DATA else value}"


def print_type(top: ConstantType) -> str:
    pieces: list[str] = []
    stack: list[ConstantType | str] = [top]
    while stack:
        type_ = stack.pop()
        if isinstance(type_, str):
            pieces.append(type_)
        elif type_.args:
            pieces.append(f"({type_.head}")
            stack.append(")")
            for arg in reversed(type_.args):
                stack += (arg, " ")
        else:
            pieces.append(type_.head)
    return "".join(pieces)


def _print_value(top: ConstantType, top_value: Any) -> str:
    pieces: list[str] = []
    stack: list[tuple[ConstantType, Any] | str] = [(top, top_value)]
    while stack:
        work = stack.pop()
        if isinstance(work, str):
            pieces.append(work)
            continue
        type_, value = work
        if type_.head == "data":
            type_, value = _open_data(pieces, value)
        if type_.head == "value":
            type_ = VALUE_ENTRIES
        if type_.head in ("list", "array"):
            pieces.append("[")
            _push_values(stack, "]", [(type_.args[0], item) for item in value])
        elif type_.head == "pair":
            pieces.append("(")
            _push_values(stack, ")", list(zip(type_.args, value, strict=True)))
        else:
            pieces.append(_print_leaf(type_.head, value))
    return "".join(pieces)


def _push_values(
    stack: list[tuple[ConstantType, Any] | str], closing: str, values: list[tuple[ConstantType, Any]]
) -> None:
    stack.append(closing)
    for position in range(len(values) - 1, -1, -1):
        stack.append(values[position])
        if position:
            stack.append(", ")


def _open_data(pieces: list[str], data: Any) -> tuple[ConstantType, Any]:
    """Prints the keyword of a Data node; returns what follows it, as a constant of another type."""
    match data:
        case DataConstr():
            pieces.append(f"Constr {format_decimal(data.tag)} ")
            return _DATA_FIELDS, data.fields
        case DataMap():
            pieces.append("Map ")
            return _DATA_ENTRIES, data.entries
        case DataList():
            pieces.append("List ")
            return _DATA_FIELDS, data.items
        case int():
            pieces.append("I ")
            return ConstantType("integer"), data
        case _:
            pieces.append("B ")
            return ConstantType("bytestring"), data


def _print_leaf(head: str, value: Any) -> str:
    match head:
        case "integer":
            return format_decimal(value)
        case "bytestring":
            return f"#{value.hex()}"
        case "string":
            return _quote(value)
        case "unit":
            return "()"
        case "bool":
            return str(value)
        case "bls12_381_G1_element" | "bls12_381_G2_element":
            return f"0x{value.hex()}"
        case _:
            raise InputError(f"a constant of type {head} has no textual form")


_NAMED_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _quote(value: str) -> str:
    pieces = ['"']
    after_number = False
    for character in value:
        if character in _NAMED_ESCAPES:
            pieces.append(_NAMED_ESCAPES[character])
            after_number = False
        elif character.isprintable():
            # A digit right after a numeric escape would be taken for a part of it.
            pieces.append(f"\\&{character}" if after_number and character in "0123456789" else character)
            after_number = False
        else:
            pieces.append(f"\\{ord(character)}")
            after_number = True
    pieces.append('"')
    return "".join(pieces)
