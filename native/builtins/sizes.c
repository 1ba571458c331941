/* Sizes of arguments, as the ledger's `ExMemoryUsage` takes them. */
#include "builtins/table.h"

static int64_t integer_words(cal_value integer) {
  return cal_is_small(integer) ? 1 : (int64_t)CAL_AS(cal_big, integer)->head.size;
}

/* The magnitude, saturating. */
static int64_t magnitude(cal_value integer) {
  mp_limb_t spare = 0;
  const cal_limbs limbs = cal_limbs_of(integer, &spare);
  if (limbs.count == 0) {
    return 0;
  }
  return limbs.count > 1 || limbs.limbs[0] > (mp_limb_t)INT64_MAX ? INT64_MAX
                                                                  : (int64_t)limbs.limbs[0];
}

static int64_t bytes_words(cal_value bytes) {
  const size_t length = CAL_AS(cal_bytes, bytes)->length;
  return length == 0 ? 1 : (int64_t)((length - 1) / 8 + 1);
}

static int64_t text_characters(cal_value text) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, text);
  int64_t count = 0;
  for (size_t i = 0; i < bytes->length; i++) {
    count += (bytes->data[i] & 0xc0U) != 0x80;
  }
  return count;
}

static int64_t list_length(cal_value list) {
  int64_t length = 0;
  for (const cal_list *cell = CAL_AS(cal_list, list); cell->head.form != 0; cell = cell->rest) {
    length++;
  }
  return length;
}

static int64_t data_words(cal_value data) {
  const uint32_t size = CAL_AS(cal_data, data)->head.size;
  return size == CAL_SIZE_MAX ? INT64_MAX : (int64_t)size;
}

static int64_t default_size(cal_value value) {
  switch (cal_kind_of(value)) {
  case CAL_INTEGER:
    return integer_words(value);
  case CAL_BYTES:
    return bytes_words(value);
  case CAL_TEXT:
    return text_characters(value);
  case CAL_LIST:
    return list_length(value);
  case CAL_PAIR:
    return INT64_MAX; /* no costing function reads it */
  case CAL_DATA:
    return data_words(value);
  case CAL_G1:
    return 18;
  case CAL_G2:
    return 36;
  case CAL_ML_RESULT:
    return 72;
  default:
    return 1;
  }
}

int64_t cal_size_of(cal_value value, cal_measure measure, cal_variant variant) {
  switch (measure) {
  case CAL_MEASURE_TEXT:
    return variant >= CAL_VARIANT_D ? (int64_t)(CAL_AS(cal_bytes, value)->length / 4)
                                    : text_characters(value);
  case CAL_MEASURE_BYTES_AS_WORDS: {
    const int64_t bytes = magnitude(value);
    return bytes == 0 ? 0 : (bytes - 1) / 8 + 1;
  }
  case CAL_MEASURE_LITERAL:
    return magnitude(value);
  default:
    return default_size(value);
  }
}
