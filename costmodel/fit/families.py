"""Families of builtins: those whose times a change of machine is likely to change alike, as they spend them alike."""

from __future__ import annotations

from typing import Final

FAMILIES: Final[dict[str, frozenset[str]]] = {
    name: frozenset(members.split())
    for name, members in {
        "arithmetic": """addInteger subtractInteger multiplyInteger divideInteger quotientInteger remainderInteger
            modInteger expModInteger equalsInteger lessThanInteger lessThanEqualsInteger""",
        "bytestrings": """appendByteString consByteString sliceByteString lengthOfByteString indexByteString
            equalsByteString lessThanByteString lessThanEqualsByteString integerToByteString byteStringToInteger""",
        "bits": """andByteString orByteString xorByteString complementByteString readBit writeBits replicateByte
            shiftByteString rotateByteString countSetBits findFirstSetBit""",
        "hashes": "sha2_256 sha3_256 blake2b_256 blake2b_224 keccak_256 ripemd_160",
        "signatures": "verifyEd25519Signature verifyEcdsaSecp256k1Signature verifySchnorrSecp256k1Signature",
        "strings": "appendString equalsString encodeUtf8 decodeUtf8",
        "control": "ifThenElse chooseUnit trace fstPair sndPair chooseList chooseData",
        "lists": """mkCons headList tailList nullList dropList mkNilData mkNilPairData lengthOfArray listToArray
            indexArray multiIndexArray""",
        "data": """constrData mapData listData iData bData unConstrData unMapData unListData unIData unBData equalsData
            mkPairData serialiseData""",
        "BLS12-381": """bls12_381_G1_add bls12_381_G1_neg bls12_381_G1_scalarMul bls12_381_G1_equal
            bls12_381_G1_compress bls12_381_G1_uncompress bls12_381_G1_hashToGroup bls12_381_G1_multiScalarMul
            bls12_381_G2_add bls12_381_G2_neg bls12_381_G2_scalarMul bls12_381_G2_equal bls12_381_G2_compress
            bls12_381_G2_uncompress bls12_381_G2_hashToGroup bls12_381_G2_multiScalarMul bls12_381_millerLoop
            bls12_381_mulMlResult bls12_381_finalVerify""",
        "values": """insertCoin lookupCoin unionValue valueContains valueData unValueData scaleValue policies
            assetCount""",
    }.items()
}
"""Every builtin is in one of them."""

FAMILY_OF: Final = {builtin: family for family, members in FAMILIES.items() for builtin in members}
