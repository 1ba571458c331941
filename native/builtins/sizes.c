/* Sizes of arguments, as the ledger's `ExMemoryUsage` takes them. */
#include "builtins/assets.h"
#include "builtins/table.h"
#include "builtins/words.h"

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

/* Bytes of whole words that begin a character: those that are not 10xxxxxx. */
static int64_t starts_in_words(const uint8_t *bytes, size_t words) {
  enum { MOST = 255 }; /* words, so that no byte of a sum overflows */
  int64_t total = 0;
  while (words > 0) {
    const size_t count = words < MOST ? words : MOST;
    uint64_t sums = 0;
    for (size_t i = 0; i < count; i++) {
      const uint64_t word = cal_load(bytes + i * CAL_WORD);
      sums += (~word >> 7 | word >> 6) & CAL_EVERY_BYTE(1);
    }
    const uint64_t halves = UINT64_C(0x00ff00ff00ff00ff);
    const uint64_t pairs = (sums & halves) + (sums >> 8 & halves);
    total += (int64_t)(pairs * UINT64_C(0x0001000100010001) >> 48);
    bytes += count * CAL_WORD;
    words -= count;
  }
  return total;
}

static int64_t text_characters(cal_value text) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, text);
  const size_t words = bytes->length / CAL_WORD;
  int64_t count = starts_in_words(bytes->data, words);
  for (size_t i = words * CAL_WORD; i < bytes->length; i++) {
    count += (bytes->data[i] & 0xc0U) != 0x80;
  }
  return count;
}

/* The number of bits that a number takes; 0 for 0. */
static int64_t bit_length(uint32_t number) { return number == 0 ? 0 : 32 - __builtin_clz(number); }

static int64_t value_depth(cal_value value) {
  const cal_tally tally = cal_assets_tally(value);
  return bit_length(tally.currencies) + bit_length(tally.widest);
}

static int64_t data_words(cal_value data) {
  const uint32_t size = CAL_AS(cal_data, data)->head.size;
  return size == CAL_SIZE_MAX ? INT64_MAX : (int64_t)size;
}

/* Data may share its parts, so that a walk over all its nodes may take as good
 * as forever. It ends where there are more than anyone would pay for. */
typedef struct walk {
  cal_stack lists; /* what is left of each list that the walk is in */
  int64_t count;
  int64_t most;
  bool exhausted;
} walk;

static void enter_list(walk *walk, const cal_list *list) {
  if (list->head.form == 0) {
    return;
  }
  const cal_list **next = cal_stack_push(&walk->lists, sizeof *next);
  walk->exhausted = walk->exhausted || next == NULL;
  if (next != NULL) {
    *next = list;
  }
}

static void enter_node(walk *walk, cal_value value) {
  const cal_data *data = CAL_AS(cal_data, value);
  walk->count++;
  if (data->head.form != CAL_DATA_INTEGER && data->head.form != CAL_DATA_BYTES) {
    enter_list(walk, CAL_AS(cal_list, data->payload));
  }
}

int64_t cal_nodes_of(const cal_call *call, cal_value data, int64_t most) {
  walk walk = {.most = most};
  cal_stack_init(&walk.lists, call->arena);
  enter_node(&walk, data);
  const cal_list **top = NULL;
  while (!walk.exhausted && walk.count <= walk.most &&
         (top = cal_stack_pop(&walk.lists, sizeof *top)) != NULL) {
    const cal_list *list = *top;
    enter_list(&walk, list->rest);
    if (cal_kind_of(list->first) == CAL_PAIR) {
      enter_node(&walk, CAL_AS(cal_pair, list->first)->second);
      enter_node(&walk, CAL_AS(cal_pair, list->first)->first);
    } else {
      enter_node(&walk, list->first);
    }
  }
  cal_stack_release(&walk.lists);
  return walk.exhausted ? -1 : walk.count > walk.most ? INT64_MAX : walk.count;
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
    return (int64_t)cal_list_length(CAL_AS(cal_list, value));
  case CAL_ARRAY:
    return (int64_t)CAL_AS(cal_array, value)->length;
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
  case CAL_MULTI_ASSET:
    return (int64_t)cal_assets_tally(value).entries;
  default:
    return 1;
  }
}

int64_t cal_size_of(const cal_call *call, cal_value value, cal_measure measure) {
  switch (measure) {
  case CAL_MEASURE_TEXT:
    return call->variant >= CAL_VARIANT_D ? (int64_t)(CAL_AS(cal_bytes, value)->length / 4)
                                          : text_characters(value);
  case CAL_MEASURE_BYTES_AS_WORDS: {
    const int64_t bytes = magnitude(value);
    return bytes == 0 ? 0 : (bytes - 1) / 8 + 1;
  }
  case CAL_MEASURE_LITERAL:
    return magnitude(value);
  case CAL_MEASURE_SHIFT:
    return call->variant >= CAL_VARIANT_D ? 1 : magnitude(value);
  case CAL_MEASURE_DEPTH:
    return value_depth(value);
  case CAL_MEASURE_POLICIES:
    return (int64_t)cal_assets_tally(value).currencies;
  case CAL_MEASURE_OUTER_DEPTH:
    return bit_length(cal_assets_tally(value).currencies);
  default:
    return default_size(value);
  }
}
