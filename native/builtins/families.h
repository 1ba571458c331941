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

#undef CAL_DECLARE

#endif
