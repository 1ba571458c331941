"""Textual UPLC, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import DecodeError, InputError
from costmodel.plutus import (
    BOOL,
    BYTESTRING,
    DATA,
    INTEGER,
    ML_RESULT,
    STRING,
    UNIT,
    UPLC_1_0_0,
    VALUE,
    Apply,
    Case,
    Const,
    Constant,
    Constr,
    DataConstr,
    DataList,
    DataMap,
    Delay,
    Error,
    Force,
    Lam,
    Program,
    Term,
    Var,
    array_of,
    list_of,
    pair_of,
    parse_program,
    print_constant,
    print_program,
)
from tests.strategies import programs, strings, untimed


def term(text: str, version: str = "1.1.0") -> Term:
    return parse_program(f"(program {version} {text})").term


def constant(text: str) -> Constant:
    parsed = term(f"(con {text})")
    assert isinstance(parsed, Const)
    return parsed.constant


@untimed
@given(programs())
def test_round_trip(program: Program) -> None:
    assert parse_program(print_program(program)) == program


@untimed
@given(programs(), st.data())
def test_damaged_text_parses_or_is_refused(program: Program, choices: st.DataObject) -> None:
    text = print_program(program)
    at = choices.draw(st.integers(0, len(text)))
    rest = at + choices.draw(st.integers(0, 3))
    damaged = text[:at] + choices.draw(st.text('()[]#-\\"{}, 0aIx.\x00é', max_size=3)) + text[rest:]
    try:
        parsed = parse_program(damaged)
    except DecodeError:
        return
    assert parse_program(print_program(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(error)", Error()),
        ("(lam x x)", Lam(Var(1))),
        ("(lam x (lam y x))", Lam(Lam(Var(2)))),
        ("(lam x (lam x x))", Lam(Lam(Var(1)))),
        ("(lam x [(lam x x) x])", Lam(Apply(Lam(Var(1)), Var(1)))),
        ("(delay (force (error)))", Delay(Force(Error()))),
        ("[(error) (delay (error)) (error)]", Apply(Apply(Error(), Delay(Error())), Error())),
        ("(constr 0)", Constr(0, ())),
        ("(constr 18446744073709551615 (error) (error))", Constr(2**64 - 1, (Error(), Error()))),
        ("(case (error))", Case(Error(), ())),
        ("(case (error) (error))", Case(Error(), (Error(),))),
    ],
)
def test_term(text: str, expected: Term) -> None:
    assert term(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "(lamx x)",
        "( lam x x )",
        "-- comment\n(lam {- one {- inside -} another -} x -- to the end\n x)",
        "\t(lam\u00a0x\r\nx)",
        "(lam `a quoted/name` `a quoted/name`)".replace(" q", "q"),
        "(lam x'_0 x'_0)",
        "(lam x-17 x-17)",
        "(lam x-17 y-17)",  # the official parser tells names apart by number
        "(lam x x-0)",
    ],
)
def test_liberties_of_the_official_parser(text: str) -> None:
    assert term(text) == Lam(Var(1))


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("integer 0", INTEGER, 0),
        ("integer -007", INTEGER, -7),
        ("integer +7", INTEGER, 7),
        ("integer - 7", INTEGER, -7),
        ("(integer) 7", INTEGER, 7),
        ("bytestring #", BYTESTRING, b""),
        ("bytestring #00fF", BYTESTRING, b"\x00\xff"),
        ("unit ( )", UNIT, None),
        ("bool True", BOOL, True),
        ("(list unit) []", list_of(UNIT), ()),
        ("(array (list bool)) [[], [False , True]]", array_of(list_of(BOOL)), ((), (False, True))),
        ("(pair integer (pair unit bool)) (5, ((), True))", pair_of(INTEGER, pair_of(UNIT, BOOL)), (5, (None, True))),
        ("((pair integer) bool) (5, True)", pair_of(INTEGER, BOOL), (5, True)),
        ("data (I 5)", DATA, 5),
        ("data (B #)", DATA, b""),
        ("data (Constr 1 [I 1, List []])", DATA, DataConstr(1, (1, DataList(())))),
        ("data (Map [(I 1, B #00), (Map [], I -2)])", DATA, DataMap(((1, b"\x00"), (DataMap(()), -2)))),
        ("(list data) [I 1, Constr 0 []]", list_of(DATA), (1, DataConstr(0, ()))),
        ("(pair data data) (I 1, B #22)", pair_of(DATA, DATA), (1, b"\x22")),
        ("value []", VALUE, ()),
        ("value [(#, [(#, 5)]), (#00, [(#aa, -1), (#bb, 2)])]", VALUE,
         ((b"", ((b"", 5),)), (b"\x00", ((b"\xaa", -1), (b"\xbb", 2))))),
        ("bls12_381_G1_element 0x" + "c0" + "00" * 47, None, b"\xc0" + bytes(47)),
        ("bls12_381_G2_element 0x" + "c0" + "00" * 95, None, b"\xc0" + bytes(95)),
    ],
)  # fmt: skip
def test_constant(text: str, type_: object, value: object) -> None:
    parsed = constant(text)
    assert parsed.value == value
    if type_ is not None:
        assert parsed.type == type_


# Haskell 2010 report, section 2.6.
@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r'""', ""),
        (r'"\a\b\f\n\r\t\v\\\"\'"', "\a\b\f\n\r\t\v\\\"'"),
        (r'"\t\"\83\x75\x63\o143e\x73s\o041\o042\n"', '\t"Success!"\n'),
        (r'"\SOH\SO\&H\DEL\NUL"', "\x01\x0eH\x7f\x00"),
        (r'"\^A\^Z\^@\^_"', "\x01\x1a\x00\x1f"),
        (r'"\1234\&5"', "\u04d25"),
        (r'"\x10FFFF"', "\U0010ffff"),
        (r'"\955λ"', "λλ"),
        (r'"\xD800"', "\ufffd"),
        ('"two\nlines"', "two\nlines"),
        (r'"a\&b"', "ab"),
        (r'"a\&"', "a"),
        (r'"é\&\&\&b\&\&"', "éb"),
        (r'"\65\&\&1"', "A1"),
        (r'"\SOHI\SO\&HI\SOI"', "\x01I\x0eHI\x0eI"),
        (r'"\o101\O101\X41\x41"', "AAAA"),
        (r'"\SP\ESC\US"', " \x1b\x1f"),
        (r'"\1114111"', "\U0010ffff"),
        # No more than ten characters of a literal are looked at.
        (r'"\0000000065"', "\x065"),
        ('"\'"', "'"),
    ],
)
def test_string(literal: str, value: str) -> None:
    assert constant(f"string {literal}").value == value


CONTROL_NAMES = """
NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US SP
""".split()  # noqa: SIM905 - a list would fill forty lines
SHORT = dict(zip("\a\b\f\n\r\t\v\\\"'", "abfnrtv\\\"'", strict=True))


@st.composite
def literals(draw: st.DrawFn) -> tuple[str, str]:
    """A character, and one of the ways in which Haskell may write it, with any number of empty escapes behind it."""
    character = draw(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from(sorted(SHORT)) | st.characters(max_codepoint=130)
    )
    code = ord(character)
    forms = [f"\\{code}", f"\\x{code:x}", f"\\X{code:X}", f"\\o{code:o}", f"\\O{code:o}"]
    if character not in '\\"':
        forms.append(character)
    if character in SHORT:
        forms.append(f"\\{SHORT[character]}")
    if code < 32:
        forms.append(f"\\^{chr(code + 64)}")
    if code < len(CONTROL_NAMES):
        forms.append(f"\\{CONTROL_NAMES[code]}")
    if code == 127:
        forms.append("\\DEL")
    form = draw(st.sampled_from(forms))
    # Without one, what comes next might be read as more of the escape.
    least = 1 if form.startswith("\\") and form[-1].isalnum() else 0
    return character, form + r"\&" * draw(st.integers(least, 3))


@untimed
@given(st.lists(literals(), max_size=8))
def test_string_in_every_spelling(characters: list[tuple[str, str]]) -> None:
    text = "".join(literal for _, literal in characters)
    assert constant(f'string "{text}"').value == "".join(character for character, _ in characters)


@untimed
@given(strings)
def test_string_round_trip(value: str) -> None:
    assert constant(print_constant(Constant(STRING, value))).value == value


@pytest.mark.parametrize(
    ("value", "literal"),
    [("x\x01", r'"x\1"'), ("\x012", r'"\1\&2"'), ("λ\n", r'"λ\n"'), ('\\"', r'"\\\""'), ("\u2028", r'"\8232"')],
)
def test_string_is_printed_with_escapes(value: str, literal: str) -> None:
    assert print_constant(Constant(STRING, value)) == f"string {literal}"


REFUSED = [
    "",
    "(program",
    "(program 1.0.0)",
    "(program 1.0 (error))",
    "(program 1.0.0.0 (error))",
    "(program 1.0.0 (error)",
    "(program 1.0.0 (error)))",
    "(program 1.0.0 (error) (error))",
    "(program 1.0.0 (error)) x",
    "(program 1.0.0 (error) {-)",
    "(program 1.0.0 x)",
    "(program 1.0.0 [(lam x x) x])",
    "(program 1.0.0 ())",
    "(program 1.0.0 (mistake))",
    "(program 1.0.0 [])",
    "(program 1.0.0 [(error)])",
    "(program 1.0.0 [(error) (error))",
    "(program 1.0.0 (delay))",
    "(program 1.0.0 (delay (error) (error)))",
    "(program 1.0.0 (lam (error)))",
    "(program 1.0.0 (lam x))",
    "(program 1.0.0 (lam foo-bar foo-bar))",
    "(program 1.0.0 (lam x-1y x-1y))",
    "(program 1.0.0 (lam λ λ))",
    "(program 1.0.0 (builtin addIntegers))",
    "(program 1.0.0 (builtin))",
    "(program 1.0.0 (constr 0))",
    "(program 1.0.0 (case (error)))",
    "(program 1.1.0 (constr -1))",
    "(program 1.1.0 (constr 18446744073709551616))",
    "(program 1.1.0 (case))",
    "(program 1.0.0 (con 5))",
    "(program 1.0.0 (con integer))",
    "(program 1.0.0 (con integer 0.5))",
    "(program 1.0.0 (con integer #12))",
    "(program 1.0.0 (con bytestring #1))",
    "(program 1.0.0 (con bytestring 12))",
    "(program 1.0.0 (con bytestring # 12))",
    "(program 1.0.0 (con bool true))",
    "(program 1.0.0 (con boolean True))",
    '(program 1.0.0 (con string "x))',
    r'(program 1.0.0 (con string "\q"))',
    r'(program 1.0.0 (con string "\&"))',
    r'(program 1.0.0 (con string "\&a"))',
    r'(program 1.0.0 (con string "\^a"))',
    r'(program 1.0.0 (con string "\^?"))',
    r'(program 1.0.0 (con string "\del"))',
    r'(program 1.0.0 (con string "\o8"))',
    r'(program 1.0.0 (con string "\xg"))',
    r'(program 1.0.0 (con string "\u0041"))',
    r'(program 1.0.0 (con string "\1114112"))',
    '(program 1.0.0 (con string "a\\ \\b"))',
    r'(program 1.0.0 (con string "\x110000"))',
    "(program 1.0.0 (con list []))",
    "(program 1.0.0 (con list(bool) [True]))",
    "(program 1.0.0 (con (list) []))",
    "(program 1.0.0 (con (list list) []))",
    "(program 1.0.0 (con (list bool bool) []))",
    "(program 1.0.0 (con (integer bool) 5))",
    "(program 1.0.0 (con (pair bool) (True)))",
    "(program 1.0.0 (con () ()))",
    "(program 1.0.0 (con (list bool) [True,]))",
    "(program 1.0.0 (con (list bool) [1]))",
    "(program 1.0.0 (con (pair bool bool) (True)))",
    "(program 1.0.0 (con (pair bool bool) (True, True, True)))",
    "(program 1.0.0 (con data I 5))",
    "(program 1.0.0 (con data (I #00)))",
    "(program 1.0.0 (con data (List #00)))",
    "(program 1.0.0 (con data (Map [I 1])))",
    "(program 1.0.0 (con data (List [(I 1)])))",
    "(program 1.0.0 (con value [(#, [])]))",
    "(program 1.0.0 (con value [(#, [(#, 0)])]))",
    "(program 1.0.0 (con value [(#01, [(#, 1)]), (#00, [(#, 1)])]))",
    "(program 1.0.0 (con value [(#, [(#, 1), (#, 2)])]))",
    "(program 1.0.0 (con value [(#, [(#, 170141183460469231731687303715884105728)])]))",
    "(program 1.0.0 (con value [(#" + "aa" * 33 + ", [(#, 1)])]))",
    "(program 1.0.0 (con bls12_381_G1_element 0x" + "00" * 47 + "))",
    "(program 1.0.0 (con bls12_381_G1_element #" + "00" * 48 + "))",
    "(program 1.0.0 (con bls12_381_mlresult 0x))",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refuses(text: str) -> None:
    with pytest.raises(DecodeError, match=r"textual UPLC, \d+:\d+: "):
        parse_program(text)


def test_error_says_line_and_column() -> None:
    with pytest.raises(DecodeError, match="textual UPLC, 3:5: builtin 'nothing' is unknown"):
        parse_program("(program 1.0.0\n  (builtin\n    nothing))")


def test_value_error_points_at_the_value() -> None:
    with pytest.raises(DecodeError, match=r"textual UPLC, 1:27: value: .*not in ascending order"):
        parse_program("(program 1.0.0 (con value [(#01, [(#, 1)]), (#00, [(#, 1)])]))")


def test_integers_of_any_length() -> None:
    value = -(7**20000)
    assert constant(print_constant(Constant(INTEGER, value))).value == value


def test_variables_are_named_after_their_depth() -> None:
    program = parse_program("(program 1.0.0 (lam x [(lam y [y x]) (lam z z)]))")
    assert print_program(program) == "(program 1.0.0 (lam v0 [(lam v1 [v1 v0]) (lam v1 v1)]))"


def test_application_to_several_arguments_shares_its_brackets() -> None:
    text = "(program 1.0.0 [(error) (error) [(error) (error)]])"
    assert print_program(parse_program(text)) == text


def test_miller_loop_result_has_no_text() -> None:
    with pytest.raises(InputError, match="bls12_381_mlresult"):
        print_program(Program(UPLC_1_0_0, Const(Constant(ML_RESULT, None))))


def test_equality_looks_at_everything() -> None:
    different = [
        "(error)",
        "(delay (error))",
        "(force (error))",
        "(constr 0)",
        "(constr 1)",
        "(constr 0 (error))",
        "(case (error))",
        "(con integer 1)",
        "(con integer 0)",
        "(con bool True)",
        "(con data (I 1))",
        "(con (list integer) [1])",
        "(con (array integer) [1])",
        "(builtin addInteger)",
        "(builtin trace)",
        "(lam x x)",
        "(lam x (lam y x))",
        "(lam x (lam y y))",
    ]
    terms = [term(text) for text in different]
    assert [[one == other for other in terms] for one in terms] == [
        [row == column for column in range(len(terms))] for row in range(len(terms))
    ]
