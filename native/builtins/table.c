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
#define LIST_BYTES CAL_WANT_LIST_BYTES

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
#include "builtins/rows.h"
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
  case CAL_WANT_LIST_BYTES:
    return is_list_of(value, CAL_TYPE_BYTESTRING);
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
