"""BLS12-381 against published vectors and the laws of groups and pairings."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.plutus import G1_ELEMENT, G2_ELEMENT, INTEGER, Constant, Term, list_of
from tests.machine.calls import application, call, value_of

ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001

# The generators, compressed: from the format that the Zcash protocol specification defines (section 5.4.9.2).
GENERATORS: Final = {
    "G1": bytes.fromhex(
        "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    ),
    "G2": bytes.fromhex(
        "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    ),
}
INFINITY: Final = {"G1": b"\xc0" + bytes(47), "G2": b"\xc0" + bytes(95)}
TYPES: Final = {"G1": G1_ELEMENT, "G2": G2_ELEMENT}

few = settings(deadline=None, max_examples=20)
groups = pytest.mark.parametrize("group", ["G1", "G2"])


def element(group: str, content: bytes) -> Constant:
    return Constant(TYPES[group], content)


def times(group: str, scalar: int) -> Term:
    return application(f"bls12_381_{group}_scalarMul", scalar, element(group, GENERATORS[group]))


def sum_of(group: str, scalars: list[int], multiples: list[int]) -> bytes | None:
    points = tuple(value_of(times(group, number)) for number in multiples)
    result: bytes | None = call(
        f"bls12_381_{group}_multiScalarMul",
        Constant(list_of(INTEGER), tuple(scalars)),
        Constant(list_of(TYPES[group]), points),
    )
    return result


# RFC 9380, appendices J.9.1 and J.10.1: the x coordinates, with the bits that compression puts on top.
@pytest.mark.parametrize(
    ("message", "x"),
    [
        ("", "852926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1"),
        ("abc", "83567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903"),
    ],
)
def test_hashing_to_g1(message: str, x: str) -> None:
    tag = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
    assert call("bls12_381_G1_hashToGroup", message.encode(), tag).hex() == x


def test_hashing_to_g2() -> None:
    tag = b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_"
    x0 = "0141ebfbdca40eb85b87142e130ab689c673cf60f1a3e98d69335266f30d9b8d4ac44c1038e9dcdd5393faf5c41fb78a"
    x1 = "05cb8437535e20ecffaef7752baddf98034139c38452458baeefab379ba13dff5bf5dd71b72418717047f5b0f37da03d"
    hashed = call("bls12_381_G2_hashToGroup", b"", tag).hex()
    assert f"{int(hashed[:2], 16) & 0x1F:02x}{hashed[2:]}" == x1 + x0


@groups
@pytest.mark.parametrize(("length", "fine"), [(0, True), (255, True), (256, False)])
def test_tags_are_bounded(group: str, length: int, fine: bool) -> None:
    assert (call(f"bls12_381_{group}_hashToGroup", b"message", b"t" * length) is not None) is fine


@groups
def test_compression_round_trip(group: str) -> None:
    for content in (GENERATORS[group], INFINITY[group]):
        assert call(f"bls12_381_{group}_uncompress", content) == content
        assert call(f"bls12_381_{group}_compress", element(group, content)) == content


@groups
def test_bytes_that_are_no_element(group: str) -> None:
    generator = GENERATORS[group]
    no_flag = bytes([generator[0] & 0x7F]) + generator[1:]
    impure_infinity = INFINITY[group][:-1] + b"\x01"
    too_large = bytes([0x9F]) + b"\xff" * (len(generator) - 1)
    for content in (b"", generator[:-1], generator + b"\x00", no_flag, impure_infinity, too_large):
        assert call(f"bls12_381_{group}_uncompress", content) is None


def test_points_of_the_curve_outside_the_group_are_refused() -> None:
    # x = 4 is on E1: 4^3 + 4 = 68 is a square there; its order is not that of G1.
    assert call("bls12_381_G1_uncompress", b"\x80" + bytes(46) + b"\x04") is None


@groups
@given(st.integers(-(2**300), 2**300), st.integers(-(2**300), 2**300))
@few
def test_scalars_count_modulo_the_order(group: str, x: int, y: int) -> None:
    total = application(f"bls12_381_{group}_add", times(group, x), times(group, y))
    assert value_of(total) == value_of(times(group, (x + y) % ORDER))
    assert value_of(application(f"bls12_381_{group}_neg", times(group, x))) == value_of(times(group, -x))
    assert value_of(application(f"bls12_381_{group}_equal", times(group, x), times(group, x + ORDER))) is True


@groups
@pytest.mark.parametrize("scalar", [0, ORDER, -ORDER, ORDER * 2**300])
def test_multiples_of_the_order_give_infinity(group: str, scalar: int) -> None:
    assert value_of(times(group, scalar)) == INFINITY[group]


@groups
@given(st.data())
@few
def test_sums_of_multiples(group: str, data: st.DataObject) -> None:
    scalar = st.one_of(st.integers(-2, 2), st.integers(-(2**4095), 2**4095 - 1), st.sampled_from([ORDER, -ORDER]))
    scalars = data.draw(st.lists(scalar, max_size=5))
    multiples = data.draw(st.lists(st.integers(0, 3), max_size=5))
    total = sum(x * y for x, y in zip(scalars, multiples, strict=False))
    assert sum_of(group, scalars, multiples) == value_of(times(group, total % ORDER))


@groups
@pytest.mark.parametrize("scalar", [2**4095, -(2**4095) - 1])
def test_sums_check_scalars_that_have_no_point_too(group: str, scalar: int) -> None:
    assert sum_of(group, [1, scalar], [1]) is None


def pairing(x: int, y: int) -> Term:
    return application("bls12_381_millerLoop", times("G1", x), times("G2", y))


def verified(left: Term, right: Term) -> bool:
    result: bool = value_of(application("bls12_381_finalVerify", left, right))
    return result


@given(st.integers(0, ORDER), st.integers(0, ORDER))
@few
def test_pairing_is_bilinear(x: int, y: int) -> None:
    assert verified(pairing(x, y), pairing(x * y, 1))
    assert verified(pairing(x + y, 1), application("bls12_381_mulMlResult", pairing(x, 1), pairing(1, y)))


def test_pairing_is_not_degenerate() -> None:
    assert not verified(pairing(1, 1), pairing(1, 2))
    assert not verified(pairing(1, 1), pairing(0, 1))
    assert verified(pairing(0, 5), pairing(5, 0))
