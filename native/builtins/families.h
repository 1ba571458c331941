/* The functions behind the table, a family a file. */
#ifndef CAL_FAMILIES_H
#define CAL_FAMILIES_H

#include "builtins/table.h"

#define CAL_DECLARE(name) \
  cal_status cal_##name(const cal_call *call, const cal_value *a, cal_value *result)

/* integers.c */
CAL_DECLARE(addInteger);
CAL_DECLARE(subtractInteger);
CAL_DECLARE(multiplyInteger);
CAL_DECLARE(divideInteger);
CAL_DECLARE(quotientInteger);
CAL_DECLARE(remainderInteger);
CAL_DECLARE(modInteger);
CAL_DECLARE(equalsInteger);
CAL_DECLARE(lessThanInteger);
CAL_DECLARE(lessThanEqualsInteger);

/* bytestrings.c */
CAL_DECLARE(appendByteString);
CAL_DECLARE(consByteString);
CAL_DECLARE(sliceByteString);
CAL_DECLARE(lengthOfByteString);
CAL_DECLARE(indexByteString);
CAL_DECLARE(equalsByteString);
CAL_DECLARE(lessThanByteString);
CAL_DECLARE(lessThanEqualsByteString);

/* hashes.c */
CAL_DECLARE(sha2_256);
CAL_DECLARE(sha3_256);
CAL_DECLARE(blake2b_256);
CAL_DECLARE(keccak_256);
CAL_DECLARE(blake2b_224);
CAL_DECLARE(ripemd_160);

/* signatures.c */
CAL_DECLARE(verifyEd25519Signature);
CAL_DECLARE(verifyEcdsaSecp256k1Signature);
CAL_DECLARE(verifySchnorrSecp256k1Signature);

/* strings.c */
CAL_DECLARE(appendString);
CAL_DECLARE(equalsString);
CAL_DECLARE(encodeUtf8);
CAL_DECLARE(decodeUtf8);
CAL_DECLARE(trace);

/* control.c: booleans, unit, pairs, lists */
CAL_DECLARE(ifThenElse);
CAL_DECLARE(chooseUnit);
CAL_DECLARE(fstPair);
CAL_DECLARE(sndPair);
CAL_DECLARE(chooseList);
CAL_DECLARE(mkCons);
CAL_DECLARE(headList);
CAL_DECLARE(tailList);
CAL_DECLARE(nullList);
CAL_DECLARE(nop);

/* data.c */
CAL_DECLARE(chooseData);
CAL_DECLARE(constrData);
CAL_DECLARE(mapData);
CAL_DECLARE(listData);
CAL_DECLARE(iData);
CAL_DECLARE(bData);
CAL_DECLARE(unConstrData);
CAL_DECLARE(unMapData);
CAL_DECLARE(unListData);
CAL_DECLARE(unIData);
CAL_DECLARE(unBData);
CAL_DECLARE(equalsData);
CAL_DECLARE(mkPairData);
CAL_DECLARE(mkNilData);
CAL_DECLARE(mkNilPairData);
CAL_DECLARE(serialiseData);

/* bls.c */
CAL_DECLARE(bls12_381_G1_add);
CAL_DECLARE(bls12_381_G1_neg);
CAL_DECLARE(bls12_381_G1_scalarMul);
CAL_DECLARE(bls12_381_G1_equal);
CAL_DECLARE(bls12_381_G1_compress);
CAL_DECLARE(bls12_381_G1_uncompress);
CAL_DECLARE(bls12_381_G1_hashToGroup);
CAL_DECLARE(bls12_381_G2_add);
CAL_DECLARE(bls12_381_G2_neg);
CAL_DECLARE(bls12_381_G2_scalarMul);
CAL_DECLARE(bls12_381_G2_equal);
CAL_DECLARE(bls12_381_G2_compress);
CAL_DECLARE(bls12_381_G2_uncompress);
CAL_DECLARE(bls12_381_G2_hashToGroup);

/* pairing.c */
CAL_DECLARE(bls12_381_millerLoop);
CAL_DECLARE(bls12_381_mulMlResult);
CAL_DECLARE(bls12_381_finalVerify);

/* multiscalar.c */
CAL_DECLARE(bls12_381_G1_multiScalarMul);
CAL_DECLARE(bls12_381_G2_multiScalarMul);

/* conversions.c */
CAL_DECLARE(integerToByteString);
CAL_DECLARE(byteStringToInteger);

/* bitwise.c */
CAL_DECLARE(andByteString);
CAL_DECLARE(orByteString);
CAL_DECLARE(xorByteString);
CAL_DECLARE(complementByteString);
CAL_DECLARE(readBit);
CAL_DECLARE(writeBits);
CAL_DECLARE(replicateByte);
CAL_DECLARE(countSetBits);
CAL_DECLARE(findFirstSetBit);

/* shifts.c */
CAL_DECLARE(shiftByteString);
CAL_DECLARE(rotateByteString);

/* modular.c */
CAL_DECLARE(expModInteger);

/* arrays.c */
CAL_DECLARE(dropList);
CAL_DECLARE(lengthOfArray);
CAL_DECLARE(listToArray);
CAL_DECLARE(indexArray);
CAL_DECLARE(multiIndexArray);

/* coins.c */
CAL_DECLARE(insertCoin);
CAL_DECLARE(lookupCoin);
CAL_DECLARE(unionValue);
CAL_DECLARE(valueContains);
CAL_DECLARE(scaleValue);
CAL_DECLARE(policies);
CAL_DECLARE(assetCount);

/* asset_data.c */
CAL_DECLARE(valueData);
CAL_DECLARE(unValueData);

#undef CAL_DECLARE

#endif
