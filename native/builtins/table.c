#include "builtins/table.h"

#include "builtins/families.h"

#define ANY CAL_WANT_ANY
#define INT CAL_WANT_INTEGER
#define BYTES CAL_WANT_BYTES
#define TEXT CAL_WANT_TEXT
#define UNIT CAL_WANT_UNIT
#define BOOL CAL_WANT_BOOL
#define LIST CAL_WANT_LIST
#define LIST_DATA CAL_WANT_LIST_DATA
#define LIST_PAIR CAL_WANT_LIST_PAIR_DATA
#define PAIR CAL_WANT_PAIR
#define DATA CAL_WANT_DATA
#define G1 CAL_WANT_G1
#define G2 CAL_WANT_G2
#define ML CAL_WANT_ML_RESULT
#define ARRAY CAL_WANT_ARRAY
#define ASSETS CAL_WANT_MULTI_ASSET
#define INTS CAL_WANT_LIST_INTEGER

/* A row with sizes measured by type; MEASURED overrides that; ABSENT is a
 * builtin that the chain has and this build has not. */
#define ROW(name, arity, forces, ...) {#name, cal_##name, arity, forces, {__VA_ARGS__}, {0}}
#define MEASURED(name, arity, forces, wants, measures) \
  {#name, cal_##name, arity, forces, UNWRAP wants, UNWRAP measures}
#define ABSENT(name, arity, forces, ...) {#name, NULL, arity, forces, {__VA_ARGS__}, {0}}
#define UNWRAP(...) {__VA_ARGS__}
#define BY_TEXT CAL_MEASURE_TEXT
#define NOP(arity, forces) {"nop" #arity "_" #forces, cal_nop, arity, forces, {ANY}, {0}}

const cal_builtin cal_builtins[CAL_BUILTIN_ROWS] = {
    ROW(addInteger, 2, 0, INT, INT),
    ROW(subtractInteger, 2, 0, INT, INT),
    ROW(multiplyInteger, 2, 0, INT, INT),
    ROW(divideInteger, 2, 0, INT, INT),
    ROW(quotientInteger, 2, 0, INT, INT),
    ROW(remainderInteger, 2, 0, INT, INT),
    ROW(modInteger, 2, 0, INT, INT),
    ROW(equalsInteger, 2, 0, INT, INT),
    ROW(lessThanInteger, 2, 0, INT, INT),
    ROW(lessThanEqualsInteger, 2, 0, INT, INT),
    ROW(appendByteString, 2, 0, BYTES, BYTES),
    ROW(consByteString, 2, 0, INT, BYTES),
    ROW(sliceByteString, 3, 0, INT, INT, BYTES),
    ROW(lengthOfByteString, 1, 0, BYTES),
    ROW(indexByteString, 2, 0, BYTES, INT),
    ROW(equalsByteString, 2, 0, BYTES, BYTES),
    ROW(lessThanByteString, 2, 0, BYTES, BYTES),
    ROW(lessThanEqualsByteString, 2, 0, BYTES, BYTES),
    ROW(sha2_256, 1, 0, BYTES),
    ROW(sha3_256, 1, 0, BYTES),
    ROW(blake2b_256, 1, 0, BYTES),
    ROW(verifyEd25519Signature, 3, 0, BYTES, BYTES, BYTES),
    MEASURED(appendString, 2, 0, (TEXT, TEXT), (BY_TEXT, BY_TEXT)),
    MEASURED(equalsString, 2, 0, (TEXT, TEXT), (BY_TEXT, BY_TEXT)),
    MEASURED(encodeUtf8, 1, 0, (TEXT), (BY_TEXT)),
    ROW(decodeUtf8, 1, 0, BYTES),
    ROW(ifThenElse, 3, 1, BOOL, ANY, ANY),
    ROW(chooseUnit, 2, 1, UNIT, ANY),
    ROW(trace, 2, 1, TEXT, ANY),
    ROW(fstPair, 1, 2, PAIR),
    ROW(sndPair, 1, 2, PAIR),
    ROW(chooseList, 3, 2, LIST, ANY, ANY),
    ROW(mkCons, 2, 1, ANY, LIST),
    ROW(headList, 1, 1, LIST),
    ROW(tailList, 1, 1, LIST),
    ROW(nullList, 1, 1, LIST),
    ROW(chooseData, 6, 1, DATA, ANY, ANY, ANY, ANY, ANY),
    ROW(constrData, 2, 0, INT, LIST_DATA),
    ROW(mapData, 1, 0, LIST_PAIR),
    ROW(listData, 1, 0, LIST_DATA),
    ROW(iData, 1, 0, INT),
    ROW(bData, 1, 0, BYTES),
    ROW(unConstrData, 1, 0, DATA),
    ROW(unMapData, 1, 0, DATA),
    ROW(unListData, 1, 0, DATA),
    ROW(unIData, 1, 0, DATA),
    ROW(unBData, 1, 0, DATA),
    ROW(equalsData, 2, 0, DATA, DATA),
    ROW(mkPairData, 2, 0, DATA, DATA),
    ROW(mkNilData, 1, 0, UNIT),
    ROW(mkNilPairData, 1, 0, UNIT),
    ROW(serialiseData, 1, 0, DATA),
    ROW(verifyEcdsaSecp256k1Signature, 3, 0, BYTES, BYTES, BYTES),
    ROW(verifySchnorrSecp256k1Signature, 3, 0, BYTES, BYTES, BYTES),
    ABSENT(bls12_381_G1_add, 2, 0, G1, G1),
    ABSENT(bls12_381_G1_neg, 1, 0, G1),
    ABSENT(bls12_381_G1_scalarMul, 2, 0, INT, G1),
    ABSENT(bls12_381_G1_equal, 2, 0, G1, G1),
    ABSENT(bls12_381_G1_compress, 1, 0, G1),
    ABSENT(bls12_381_G1_uncompress, 1, 0, BYTES),
    ABSENT(bls12_381_G1_hashToGroup, 2, 0, BYTES, BYTES),
    ABSENT(bls12_381_G2_add, 2, 0, G2, G2),
    ABSENT(bls12_381_G2_neg, 1, 0, G2),
    ABSENT(bls12_381_G2_scalarMul, 2, 0, INT, G2),
    ABSENT(bls12_381_G2_equal, 2, 0, G2, G2),
    ABSENT(bls12_381_G2_compress, 1, 0, G2),
    ABSENT(bls12_381_G2_uncompress, 1, 0, BYTES),
    ABSENT(bls12_381_G2_hashToGroup, 2, 0, BYTES, BYTES),
    ABSENT(bls12_381_millerLoop, 2, 0, G1, G2),
    ABSENT(bls12_381_mulMlResult, 2, 0, ML, ML),
    ABSENT(bls12_381_finalVerify, 2, 0, ML, ML),
    ROW(keccak_256, 1, 0, BYTES),
    ROW(blake2b_224, 1, 0, BYTES),
    ABSENT(integerToByteString, 3, 0, BOOL, INT, INT),
    ABSENT(byteStringToInteger, 2, 0, BOOL, BYTES),
    ABSENT(andByteString, 3, 0, BOOL, BYTES, BYTES),
    ABSENT(orByteString, 3, 0, BOOL, BYTES, BYTES),
    ABSENT(xorByteString, 3, 0, BOOL, BYTES, BYTES),
    ABSENT(complementByteString, 1, 0, BYTES),
    ABSENT(readBit, 2, 0, BYTES, INT),
    ABSENT(writeBits, 3, 0, BYTES, INTS, BOOL),
    ABSENT(replicateByte, 2, 0, INT, INT),
    ABSENT(shiftByteString, 2, 0, BYTES, INT),
    ABSENT(rotateByteString, 2, 0, BYTES, INT),
    ABSENT(countSetBits, 1, 0, BYTES),
    ABSENT(findFirstSetBit, 1, 0, BYTES),
    ROW(ripemd_160, 1, 0, BYTES),
    ABSENT(expModInteger, 3, 0, INT, INT, INT),
    ABSENT(dropList, 2, 1, INT, LIST),
    ABSENT(lengthOfArray, 1, 1, ARRAY),
    ABSENT(listToArray, 1, 1, LIST),
    ABSENT(indexArray, 2, 1, ARRAY, INT),
    ABSENT(bls12_381_G1_multiScalarMul, 2, 0, INTS, CAL_WANT_LIST_G1),
    ABSENT(bls12_381_G2_multiScalarMul, 2, 0, INTS, CAL_WANT_LIST_G2),
    ABSENT(insertCoin, 4, 0, BYTES, BYTES, INT, ASSETS),
    ABSENT(lookupCoin, 3, 0, BYTES, BYTES, ASSETS),
    ABSENT(unionValue, 2, 0, ASSETS, ASSETS),
    ABSENT(valueContains, 2, 0, ASSETS, ASSETS),
    ABSENT(valueData, 1, 0, ASSETS),
    ABSENT(unValueData, 1, 0, DATA),
    ABSENT(scaleValue, 2, 0, INT, ASSETS),
    ABSENT(multiIndexArray, 2, 1, ARRAY, INTS),
    ABSENT(policies, 1, 0, ASSETS),
    ABSENT(assetCount, 1, 0, ASSETS),
    [CAL_BUILTINS] = NOP(1, 0),
    NOP(1, 1),
    NOP(1, 2),
    NOP(2, 0),
    NOP(2, 1),
    NOP(2, 2),
    NOP(3, 0),
    NOP(3, 1),
    NOP(3, 2),
    NOP(4, 0),
    NOP(4, 1),
    NOP(4, 2),
    NOP(5, 0),
    NOP(5, 1),
    NOP(5, 2),
    NOP(6, 0),
    NOP(6, 1),
    NOP(6, 2)};

static bool is_list_of(cal_value value, uint8_t element) {
  return cal_kind_of(value) == CAL_LIST && CAL_AS(cal_list, value)->element->tags[0] == element;
}

bool cal_wanted(cal_value value, cal_want want) {
  switch (want) {
  case CAL_WANT_ANY:
    return true;
  case CAL_WANT_INTEGER:
    return cal_kind_of(value) == CAL_INTEGER;
  case CAL_WANT_BYTES:
    return cal_kind_of(value) == CAL_BYTES;
  case CAL_WANT_TEXT:
    return cal_kind_of(value) == CAL_TEXT;
  case CAL_WANT_UNIT:
    return cal_kind_of(value) == CAL_UNIT;
  case CAL_WANT_BOOL:
    return cal_kind_of(value) == CAL_BOOL;
  case CAL_WANT_LIST:
    return cal_kind_of(value) == CAL_LIST;
  case CAL_WANT_LIST_DATA:
    return is_list_of(value, CAL_TYPE_DATA);
  case CAL_WANT_LIST_PAIR_DATA:
    return cal_kind_of(value) == CAL_LIST &&
           cal_type_equal(CAL_AS(cal_list, value)->element, &cal_type_pair_data);
  case CAL_WANT_LIST_INTEGER:
    return is_list_of(value, CAL_TYPE_INTEGER);
  case CAL_WANT_LIST_G1:
    return is_list_of(value, CAL_TYPE_G1);
  case CAL_WANT_LIST_G2:
    return is_list_of(value, CAL_TYPE_G2);
  case CAL_WANT_PAIR:
    return cal_kind_of(value) == CAL_PAIR;
  case CAL_WANT_DATA:
    return cal_kind_of(value) == CAL_DATA;
  case CAL_WANT_G1:
    return cal_kind_of(value) == CAL_G1;
  case CAL_WANT_G2:
    return cal_kind_of(value) == CAL_G2;
  case CAL_WANT_ML_RESULT:
    return cal_kind_of(value) == CAL_ML_RESULT;
  case CAL_WANT_ARRAY:
    return cal_kind_of(value) == CAL_ARRAY;
  case CAL_WANT_MULTI_ASSET:
    return cal_kind_of(value) == CAL_MULTI_ASSET;
  }
  return false;
}

cal_status cal_return(const cal_call *call, cal_value value, cal_value *result) {
  *result = value;
  return value == 0 ? cal_exhausted(call) : CAL_OK;
}

cal_status cal_exhausted(const cal_call *call) {
  return cal_fail(call->error, CAL_OUT_OF_MEMORY, "the run needs more memory than allowed");
}
