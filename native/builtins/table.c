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

/* A row with sizes measured by type; MEASURED overrides that; BOUNDED has a
 * mask of the arguments that variants D and E bound. */
#define ROW(name, arity, forces, ...) BOUNDED(name, arity, forces, 0, __VA_ARGS__)
#define BOUNDED(name, arity, forces, mask, ...) \
  {#name, cal_##name, arity, forces, {__VA_ARGS__}, {0}, mask}
#define MEASURED(name, arity, forces, wants, measures) \
  {#name, cal_##name, arity, forces, UNWRAP wants, UNWRAP measures, 0}
#define UNWRAP(...) {__VA_ARGS__}
#define BY_TEXT CAL_MEASURE_TEXT
#define AS_IS CAL_MEASURE_DEFAULT
#define FIRST 1
#define SECOND 2
#define THIRD 4
#define NOP(arity, forces) {"nop" #arity "_" #forces, cal_nop, arity, forces, {ANY}, {0}, 0}

const cal_builtin cal_builtins[CAL_BUILTIN_ROWS] = {
    BOUNDED(addInteger, 2, 0, FIRST | SECOND, INT, INT),
    BOUNDED(subtractInteger, 2, 0, FIRST | SECOND, INT, INT),
    BOUNDED(multiplyInteger, 2, 0, FIRST | SECOND, INT, INT),
    BOUNDED(divideInteger, 2, 0, FIRST | SECOND, INT, INT),
    BOUNDED(quotientInteger, 2, 0, FIRST | SECOND, INT, INT),
    BOUNDED(remainderInteger, 2, 0, FIRST | SECOND, INT, INT),
    BOUNDED(modInteger, 2, 0, FIRST | SECOND, INT, INT),
    ROW(equalsInteger, 2, 0, INT, INT),
    BOUNDED(lessThanInteger, 2, 0, FIRST | SECOND, INT, INT),
    BOUNDED(lessThanEqualsInteger, 2, 0, FIRST | SECOND, INT, INT),
    BOUNDED(appendByteString, 2, 0, FIRST | SECOND, BYTES, BYTES),
    BOUNDED(consByteString, 2, 0, FIRST | SECOND, INT, BYTES),
    BOUNDED(sliceByteString, 3, 0, THIRD, INT, INT, BYTES),
    ROW(lengthOfByteString, 1, 0, BYTES),
    BOUNDED(indexByteString, 2, 0, FIRST, BYTES, INT),
    BOUNDED(equalsByteString, 2, 0, FIRST | SECOND, BYTES, BYTES),
    BOUNDED(lessThanByteString, 2, 0, FIRST | SECOND, BYTES, BYTES),
    BOUNDED(lessThanEqualsByteString, 2, 0, FIRST | SECOND, BYTES, BYTES),
    BOUNDED(sha2_256, 1, 0, FIRST, BYTES),
    BOUNDED(sha3_256, 1, 0, FIRST, BYTES),
    BOUNDED(blake2b_256, 1, 0, FIRST, BYTES),
    BOUNDED(verifyEd25519Signature, 3, 0, SECOND, BYTES, BYTES, BYTES),
    MEASURED(appendString, 2, 0, (TEXT, TEXT), (BY_TEXT, BY_TEXT)),
    MEASURED(equalsString, 2, 0, (TEXT, TEXT), (BY_TEXT, BY_TEXT)),
    MEASURED(encodeUtf8, 1, 0, (TEXT), (BY_TEXT)),
    BOUNDED(decodeUtf8, 1, 0, FIRST, BYTES),
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
    BOUNDED(verifySchnorrSecp256k1Signature, 3, 0, SECOND, BYTES, BYTES, BYTES),
    ROW(bls12_381_G1_add, 2, 0, G1, G1),
    ROW(bls12_381_G1_neg, 1, 0, G1),
    ROW(bls12_381_G1_scalarMul, 2, 0, INT, G1),
    ROW(bls12_381_G1_equal, 2, 0, G1, G1),
    ROW(bls12_381_G1_compress, 1, 0, G1),
    ROW(bls12_381_G1_uncompress, 1, 0, BYTES),
    BOUNDED(bls12_381_G1_hashToGroup, 2, 0, FIRST, BYTES, BYTES),
    ROW(bls12_381_G2_add, 2, 0, G2, G2),
    ROW(bls12_381_G2_neg, 1, 0, G2),
    ROW(bls12_381_G2_scalarMul, 2, 0, INT, G2),
    ROW(bls12_381_G2_equal, 2, 0, G2, G2),
    ROW(bls12_381_G2_compress, 1, 0, G2),
    ROW(bls12_381_G2_uncompress, 1, 0, BYTES),
    BOUNDED(bls12_381_G2_hashToGroup, 2, 0, FIRST, BYTES, BYTES),
    ROW(bls12_381_millerLoop, 2, 0, G1, G2),
    ROW(bls12_381_mulMlResult, 2, 0, ML, ML),
    ROW(bls12_381_finalVerify, 2, 0, ML, ML),
    BOUNDED(keccak_256, 1, 0, FIRST, BYTES),
    BOUNDED(blake2b_224, 1, 0, FIRST, BYTES),
    MEASURED(integerToByteString, 3, 0, (BOOL, INT, INT), (AS_IS, CAL_MEASURE_BYTES_AS_WORDS)),
    BOUNDED(byteStringToInteger, 2, 0, SECOND, BOOL, BYTES),
    BOUNDED(andByteString, 3, 0, SECOND | THIRD, BOOL, BYTES, BYTES),
    BOUNDED(orByteString, 3, 0, SECOND | THIRD, BOOL, BYTES, BYTES),
    BOUNDED(xorByteString, 3, 0, SECOND | THIRD, BOOL, BYTES, BYTES),
    BOUNDED(complementByteString, 1, 0, FIRST, BYTES),
    BOUNDED(readBit, 2, 0, FIRST, BYTES, INT),
    ROW(writeBits, 3, 0, BYTES, INTS, BOOL),
    MEASURED(replicateByte, 2, 0, (INT, INT), (CAL_MEASURE_BYTES_AS_WORDS)),
    MEASURED(shiftByteString, 2, 0, (BYTES, INT), (AS_IS, CAL_MEASURE_SHIFT)),
    MEASURED(rotateByteString, 2, 0, (BYTES, INT), (AS_IS, CAL_MEASURE_SHIFT)),
    BOUNDED(countSetBits, 1, 0, FIRST, BYTES),
    BOUNDED(findFirstSetBit, 1, 0, FIRST, BYTES),
    BOUNDED(ripemd_160, 1, 0, FIRST, BYTES),
    ROW(expModInteger, 3, 0, INT, INT, INT),
    MEASURED(dropList, 2, 1, (INT, LIST), (CAL_MEASURE_LITERAL)),
    ROW(lengthOfArray, 1, 1, ARRAY),
    ROW(listToArray, 1, 1, LIST),
    ROW(indexArray, 2, 1, ARRAY, INT),
    ROW(bls12_381_G1_multiScalarMul, 2, 0, INTS, CAL_WANT_LIST_G1),
    ROW(bls12_381_G2_multiScalarMul, 2, 0, INTS, CAL_WANT_LIST_G2),
    MEASURED(insertCoin, 4, 0, (BYTES, BYTES, INT, ASSETS), (AS_IS, AS_IS, AS_IS, CAL_MEASURE_DEPTH)),
    MEASURED(lookupCoin, 3, 0, (BYTES, BYTES, ASSETS), (AS_IS, AS_IS, CAL_MEASURE_DEPTH)),
    ROW(unionValue, 2, 0, ASSETS, ASSETS),
    ROW(valueContains, 2, 0, ASSETS, ASSETS),
    ROW(valueData, 1, 0, ASSETS),
    MEASURED(unValueData, 1, 0, (DATA), (CAL_MEASURE_NODES)),
    ROW(scaleValue, 2, 0, INT, ASSETS),
    ROW(multiIndexArray, 2, 1, ARRAY, INTS),
    ROW(policies, 1, 0, ASSETS),
    ROW(assetCount, 1, 0, ASSETS),
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

bool cal_within_bounds(const cal_builtin *builtin, const cal_value *arguments) {
  for (unsigned i = 0; builtin->bounded >> i != 0; i++) {
    if ((builtin->bounded >> i & 1) == 0) {
      continue;
    }
    const bool fine = builtin->wants[i] == CAL_WANT_INTEGER
                          ? cal_fits_bits(arguments[i], CAL_BOUND_BITS)
                          : CAL_AS(cal_bytes, arguments[i])->length <= CAL_BOUND_BYTES;
    if (!fine) {
      return false;
    }
  }
  return true;
}

cal_status cal_return(const cal_call *call, cal_value value, cal_value *result) {
  *result = value;
  return value == 0 ? cal_exhausted(call) : CAL_OK;
}

cal_status cal_exhausted(const cal_call *call) {
  return cal_fail(call->error, CAL_OUT_OF_MEMORY, "the run needs more memory than allowed");
}
