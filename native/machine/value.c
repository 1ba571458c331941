#include "machine/value.h"

#include <string.h>

_Static_assert(sizeof(cal_value) == 8, "a value is a 64-bit word");
_Static_assert(GMP_LIMB_BITS == 64 && GMP_NAIL_BITS == 0, "limbs are 64 bits");
_Static_assert(sizeof(cal_object) == 8, "the head of an object is one word");

static const uint8_t integer_tags[] = {CAL_TYPE_INTEGER};
static const uint8_t bytestring_tags[] = {CAL_TYPE_BYTESTRING};
static const uint8_t data_tags[] = {CAL_TYPE_DATA};
static const uint8_t pair_data_tags[] = {CAL_TYPE_APPLY, CAL_TYPE_APPLY, CAL_TYPE_PAIR,
                                         CAL_TYPE_DATA, CAL_TYPE_DATA};
static const uint8_t pair_integer_list_data_tags[] = {
    CAL_TYPE_APPLY, CAL_TYPE_APPLY, CAL_TYPE_PAIR, CAL_TYPE_INTEGER,
    CAL_TYPE_APPLY, CAL_TYPE_LIST,  CAL_TYPE_DATA};

const cal_type cal_type_integer = {sizeof integer_tags, integer_tags};
const cal_type cal_type_bytestring = {sizeof bytestring_tags, bytestring_tags};
const cal_type cal_type_data = {sizeof data_tags, data_tags};
const cal_type cal_type_pair_data = {sizeof pair_data_tags, pair_data_tags};
const cal_type cal_type_pair_integer_list_data = {sizeof pair_integer_list_data_tags,
                                                  pair_integer_list_data_tags};

const cal_object cal_unit_object = {CAL_UNIT, 0, 0, 0};
const cal_object cal_true_object = {CAL_BOOL, 1, 0, 0};
const cal_object cal_false_object = {CAL_BOOL, 0, 0, 0};

cal_value cal_make_bytes(cal_arena *arena, cal_kind kind, const uint8_t *data, size_t length) {
  cal_bytes *bytes = cal_alloc(arena, sizeof *bytes);
  if (bytes == NULL) {
    return 0;
  }
  bytes->head = (cal_object){.kind = (uint8_t)kind};
  bytes->length = length;
  bytes->data = data;
  return cal_from_object(bytes);
}

cal_value cal_join_bytes(cal_arena *arena, cal_kind kind, cal_value left, cal_value right) {
  const cal_bytes *first = CAL_AS(cal_bytes, left);
  const cal_bytes *second = CAL_AS(cal_bytes, right);
  const size_t length = first->length + second->length;
  uint8_t *joined = cal_alloc(arena, length);
  if (joined == NULL) {
    return 0;
  }
  if (length < CAL_LONG_COPY) {
    memcpy(joined, first->data, first->length);
    memcpy(joined + first->length, second->data, second->length);
  } else {
    cal_copy_long(arena, joined, first->data, first->length);
    cal_copy_long(arena, joined + first->length, second->data, second->length);
  }
  return cal_make_bytes(arena, kind, joined, length);
}

/* The small integer with a magnitude, if it is one. Out: *value. */
static bool is_small(const mp_limb_t *limbs, size_t count, bool negative, cal_value *value) {
  const mp_limb_t magnitude = count == 0 ? 0 : limbs[0];
  if (count > 1 || magnitude > (mp_limb_t)CAL_SMALL_MAX + (negative ? 1U : 0U)) {
    return false;
  }
  *value = cal_from_small(negative ? (int64_t)((mp_limb_t)0 - magnitude) : (int64_t)magnitude);
  return true;
}

static size_t without_leading_zeros(const mp_limb_t *limbs, size_t count) {
  while (count > 0 && limbs[count - 1] == 0) {
    count--;
  }
  return count;
}

cal_big *cal_begin_integer(cal_arena *arena, size_t count) {
  return count > UINT32_MAX ? NULL : cal_alloc(arena, sizeof(cal_big) + count * sizeof(mp_limb_t));
}

cal_value cal_end_integer(cal_arena *arena, cal_big *big, size_t count, bool negative) {
  const size_t size = sizeof *big + count * sizeof(mp_limb_t);
  const size_t left = without_leading_zeros(big->limbs, count);
  cal_value small = 0;
  if (is_small(big->limbs, left, negative, &small)) {
    cal_arena_trim(arena, big, size, 0);
    return small;
  }
  cal_arena_trim(arena, big, size, sizeof *big + left * sizeof(mp_limb_t));
  big->head = (cal_object){.kind = CAL_INTEGER, .form = negative, .size = (uint32_t)left};
  return cal_from_object(big);
}

cal_value cal_make_integer(cal_arena *arena, const mp_limb_t *limbs, size_t count, bool negative) {
  count = without_leading_zeros(limbs, count);
  cal_value small = 0;
  if (is_small(limbs, count, negative, &small)) {
    return small;
  }
  cal_big *big = cal_begin_integer(arena, count);
  if (big == NULL) {
    return 0;
  }
  memcpy(big->limbs, limbs, count * sizeof(mp_limb_t));
  return cal_end_integer(arena, big, count, negative);
}

cal_value cal_make_int64(cal_arena *arena, int64_t number) {
  if (number >= CAL_SMALL_MIN && number <= CAL_SMALL_MAX) {
    return cal_from_small(number);
  }
  const mp_limb_t limb = number < 0 ? (mp_limb_t)0 - (mp_limb_t)number : (mp_limb_t)number;
  return cal_make_integer(arena, &limb, 1, number < 0);
}

cal_value cal_make_size(cal_arena *arena, uint64_t number) {
  const mp_limb_t limb = number;
  return cal_make_integer(arena, &limb, 1, false);
}

cal_value cal_make_nil(cal_arena *arena, const cal_type *element) {
  cal_list *list = cal_alloc(arena, sizeof *list);
  if (list == NULL) {
    return 0;
  }
  *list = (cal_list){.head = {.kind = CAL_LIST}, .element = element};
  return cal_from_object(list);
}

/* The size that an element of a list of Data adds; 0 for other lists. */
static uint32_t element_size(cal_value element) {
  const bool sized = !cal_is_small(element) && (cal_object_of(element)->kind == CAL_DATA ||
                                                cal_object_of(element)->kind == CAL_PAIR);
  return sized ? cal_object_of(element)->size : 0;
}

cal_value cal_make_cell(cal_arena *arena, const cal_type *element, cal_value first,
                        const cal_list *rest) {
  cal_list *list = cal_alloc(arena, sizeof *list);
  if (list == NULL) {
    return 0;
  }
  *list = (cal_list){{.kind = CAL_LIST, .form = 1}, element, first, rest};
  if (first != 0 && rest != NULL) {
    list->head.size = cal_size_add(element_size(first), rest->head.size);
  }
  return cal_from_object(list);
}

cal_value cal_make_pair(cal_arena *arena, const cal_type *type, cal_value first, cal_value second) {
  cal_pair *pair = cal_alloc(arena, sizeof *pair);
  if (pair == NULL) {
    return 0;
  }
  *pair = (cal_pair){{.kind = CAL_PAIR}, type, first, second};
  if (type == &cal_type_pair_data && second != 0) {
    pair->head.size = cal_size_add(element_size(first), element_size(second));
  }
  return cal_from_object(pair);
}

size_t cal_list_length(const cal_list *list) {
  size_t length = 0;
  while (list->head.form != 0) {
    list = list->rest;
    length++;
  }
  return length;
}

cal_value cal_make_array(cal_arena *arena, const cal_list *list) {
  const size_t length = cal_list_length(list);
  if (length > SIZE_MAX / 2 / sizeof(cal_value)) {
    return 0;
  }
  cal_array *array = cal_alloc(arena, sizeof *array + length * sizeof(cal_value));
  if (array == NULL) {
    return 0;
  }
  array->head = (cal_object){.kind = CAL_ARRAY};
  array->element = list->element;
  array->length = length;
  for (size_t i = 0; i < length; i++) {
    array->items[i] = list->first;
    list = list->rest;
  }
  return cal_from_object(array);
}

void cal_seal_pair(cal_pair *pair) {
  pair->head.size = cal_size_add(element_size(pair->first), element_size(pair->second));
}

void cal_seal_list(cal_list *list) {
  uint32_t total = 0;
  for (cal_list *cell = list; cell->head.form != 0; cell = (cal_list *)(uintptr_t)cell->rest) {
    if (cal_kind_of(cell->first) == CAL_PAIR) {
      cal_seal_pair((cal_pair *)cell->first);
    }
    total = cal_size_add(total, element_size(cell->first));
  }
  /* What was decoded is far smaller than CAL_SIZE_MAX, so `total` is exact. */
  for (cal_list *cell = list; cell->head.form != 0; cell = (cal_list *)(uintptr_t)cell->rest) {
    cell->head.size = total;
    total -= element_size(cell->first);
  }
}

uint32_t cal_data_size(cal_data_kind form, cal_value payload) {
  enum { NODE = 4 };
  if (form == CAL_DATA_INTEGER) {
    return cal_size_add(NODE, cal_is_small(payload) ? 1 : cal_object_of(payload)->size);
  }
  if (form == CAL_DATA_BYTES) {
    const size_t length = CAL_AS(cal_bytes, payload)->length;
    const size_t words = length == 0 ? 1 : (length - 1) / 8 + 1;
    return words > CAL_SIZE_MAX ? CAL_SIZE_MAX : cal_size_add(NODE, (uint32_t)words);
  }
  return cal_size_add(NODE, cal_object_of(payload)->size);
}

cal_value cal_make_data(cal_arena *arena, cal_data_kind form, cal_value tag, cal_value payload) {
  cal_data *data = cal_alloc(arena, sizeof *data);
  if (data == NULL) {
    return 0;
  }
  *data = (cal_data){{.kind = CAL_DATA, .form = (uint8_t)form}, tag, payload};
  data->head.size = cal_data_size(form, payload);
  return cal_from_object(data);
}

cal_limbs cal_limbs_of(cal_value integer, mp_limb_t *spare) {
  if (cal_is_small(integer)) {
    const int64_t number = cal_small(integer);
    *spare = number < 0 ? (mp_limb_t)0 - (mp_limb_t)number : (mp_limb_t)number;
    return (cal_limbs){spare, number != 0, number < 0};
  }
  const cal_big *big = CAL_AS(cal_big, integer);
  return (cal_limbs){big->limbs, big->head.size, big->head.form != 0};
}

bool cal_is_negative(cal_value integer) {
  return cal_is_small(integer) ? cal_small(integer) < 0 : cal_object_of(integer)->form != 0;
}

bool cal_fits_bits(cal_value integer, size_t bits) {
  if (cal_is_small(integer)) {
    return true;
  }
  const cal_big *big = CAL_AS(cal_big, integer);
  const size_t needed = mpn_sizeinbase(big->limbs, (mp_size_t)big->head.size, 2);
  return needed < bits ||
         (needed == bits && cal_is_negative(integer) && mpn_scan1(big->limbs, 0) == bits - 1);
}

bool cal_int64_of(cal_value integer, int64_t *number) {
  if (!cal_fits_bits(integer, 64)) {
    return false;
  }
  mp_limb_t spare = 0;
  const cal_limbs limbs = cal_limbs_of(integer, &spare);
  const mp_limb_t magnitude = limbs.count == 0 ? 0 : limbs.limbs[0];
  *number = limbs.negative ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
  return true;
}

int cal_compare_bytes(const cal_bytes *left, const cal_bytes *right) {
  const size_t common = left->length < right->length ? left->length : right->length;
  const int order = memcmp(left->data, right->data, common);
  return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

static bool same_tags(const cal_type *left, const uint8_t *tags, size_t length) {
  return left->length == length && memcmp(left->tags, tags, length) == 0;
}

bool cal_type_equal(const cal_type *left, const cal_type *right) {
  return left == right || same_tags(left, right->tags, right->length);
}

const uint8_t cal_simple_tags[CAL_CLOSURE] = {[CAL_INTEGER] = CAL_TYPE_INTEGER,
                                              [CAL_BYTES] = CAL_TYPE_BYTESTRING,
                                              [CAL_TEXT] = CAL_TYPE_STRING,
                                              [CAL_UNIT] = CAL_TYPE_UNIT,
                                              [CAL_BOOL] = CAL_TYPE_BOOL,
                                              [CAL_DATA] = CAL_TYPE_DATA,
                                              [CAL_G1] = CAL_TYPE_G1,
                                              [CAL_G2] = CAL_TYPE_G2,
                                              [CAL_ML_RESULT] = CAL_TYPE_ML_RESULT,
                                              [CAL_MULTI_ASSET] = CAL_TYPE_VALUE};

bool cal_has_type(cal_value value, const cal_type *type) {
  const cal_kind kind = cal_kind_of(value);
  if (kind >= CAL_CLOSURE) {
    return false;
  }
  if (kind == CAL_PAIR) {
    return cal_type_equal(CAL_AS(cal_pair, value)->type, type);
  }
  if (kind == CAL_LIST || kind == CAL_ARRAY) {
    const uint8_t tag = kind == CAL_LIST ? CAL_TYPE_LIST : CAL_TYPE_ARRAY;
    /* A list and an array begin alike: head, element type. */
    const cal_type *element = CAL_AS(cal_list, value)->element;
    return type->length > 2 && type->tags[0] == CAL_TYPE_APPLY && type->tags[1] == tag &&
           same_tags(element, type->tags + 2, type->length - 2);
  }
  return type->length == 1 && type->tags[0] == cal_simple_tags[kind];
}
