/* What a program computes with.
 *
 * A `cal_value` is one machine word. With the lowest bit set it is an integer
 * of 63 bits, shifted left by one: the integers that contracts mostly use need
 * no memory. Otherwise it points to a `cal_object`, whose first word says what
 * it is. Objects never change once made, so they may be shared freely, by
 * scripts and runs alike; the arena that holds them outlives every use.
 *
 * Integers have exactly one form: what fits in 63 bits is never an object.
 *
 * A Plutus list is a chain of cells, and the list inside a Data value is that
 * very chain, so unListData, unConstrData and their inverses cost one object
 * however long the list is. Every cell knows its element type: Plutus lists
 * are typed even when empty.
 *
 * Data carries its size. A program can build Data that shares its parts, small
 * in memory and of any size when written out; a walk to find that size would
 * never end. Sizes saturate at CAL_SIZE_MAX, which no budget can pay for.
 */
#ifndef CAL_VALUE_H
#define CAL_VALUE_H

#include <gmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/arena.h"

typedef uintptr_t cal_value;

/* Universe tags as flat numbers them. ORDER: costmodel/plutus/universe.py. */
enum {
  CAL_TYPE_INTEGER = 0,
  CAL_TYPE_BYTESTRING = 1,
  CAL_TYPE_STRING = 2,
  CAL_TYPE_UNIT = 3,
  CAL_TYPE_BOOL = 4,
  CAL_TYPE_LIST = 5,
  CAL_TYPE_PAIR = 6,
  CAL_TYPE_APPLY = 7,
  CAL_TYPE_DATA = 8,
  CAL_TYPE_G1 = 9,
  CAL_TYPE_G2 = 10,
  CAL_TYPE_ML_RESULT = 11,
  CAL_TYPE_ARRAY = 12,
  CAL_TYPE_VALUE = 13
};

/* A type of constants as the sequence of its tags in prefix order, the form in
 * which flat carries it: list (pair data data) is APPLY LIST APPLY APPLY PAIR
 * DATA DATA. A sequence needs no recursion to compare, however deep the type. */
typedef struct cal_type {
  size_t length;
  const uint8_t *tags;
} cal_type;

extern const cal_type cal_type_integer, cal_type_bytestring, cal_type_data, cal_type_pair_data,
    cal_type_pair_integer_list_data;

/* ORDER: the constants come first, so that `kind < CAL_CLOSURE` means "a constant". */
typedef enum cal_kind {
  CAL_INTEGER, /* small ones included, as cal_kind_of reports them */
  CAL_BYTES,
  CAL_TEXT,
  CAL_UNIT,
  CAL_BOOL,
  CAL_LIST,
  CAL_PAIR,
  CAL_DATA,
  CAL_G1,
  CAL_G2,
  CAL_ML_RESULT,
  CAL_ARRAY,
  CAL_MULTI_ASSET, /* the built-in type Value; the plain word is taken here */
  CAL_CLOSURE,     /* a lambda with its environment */
  CAL_SUSPENDED,   /* a delayed term with its environment */
  CAL_PARTIAL,     /* a builtin short of forces or arguments */
  CAL_CONSTR       /* a constructor with its fields */
} cal_kind;

/* ORDER: the arguments of chooseData behind its first. */
typedef enum cal_data_kind {
  CAL_DATA_CONSTR,
  CAL_DATA_MAP,
  CAL_DATA_LIST,
  CAL_DATA_INTEGER,
  CAL_DATA_BYTES
} cal_data_kind;

typedef struct cal_object {
  uint8_t kind;   /* cal_kind */
  uint8_t form;   /* CAL_DATA: cal_data_kind; CAL_INTEGER: 1 if negative; CAL_BOOL: the value;
                     CAL_LIST: 1 for a cell, 0 for the end; CAL_PARTIAL: forces received */
  uint16_t count; /* CAL_PARTIAL: arguments received */
  uint32_t size;  /* CAL_INTEGER: limbs; CAL_CONSTR: fields; CAL_PARTIAL: builtin tag;
                     CAL_DATA: its size in words for costing; CAL_PAIR and CAL_LIST of Data:
                     the sum over what it holds */
} cal_object;

typedef struct cal_big {
  cal_object head;
  mp_limb_t limbs[]; /* magnitude, least limb first, highest limb not 0 */
} cal_big;

/* CAL_BYTES, and CAL_TEXT in valid UTF-8. The bytes lie in an arena or in the
 * script; slices share them. */
typedef struct cal_bytes {
  cal_object head;
  size_t length;
  const uint8_t *data;
} cal_bytes;

typedef struct cal_list {
  cal_object head;
  const cal_type *element;
  cal_value first; /* of a cell only */
  const struct cal_list *rest;
} cal_list;

typedef struct cal_array {
  cal_object head;
  const cal_type *element;
  size_t length;
  cal_value items[];
} cal_array;

typedef struct cal_pair {
  cal_object head;
  const cal_type *type; /* of the pair as a whole */
  cal_value first;
  cal_value second;
} cal_pair;

typedef struct cal_data {
  cal_object head;
  cal_value tag;     /* CAL_DATA_CONSTR: an integer of any size */
  cal_value payload; /* a list, a list of pairs, an integer or bytes */
} cal_data;

typedef struct cal_frame cal_frame;
typedef struct cal_node cal_node;

/* CAL_CLOSURE and CAL_SUSPENDED. */
typedef struct cal_code {
  cal_object head;
  const cal_node *node; /* the lambda or delay itself */
  cal_frame *frame;
} cal_code;

typedef struct cal_partial {
  cal_object head;
  cal_value arguments[];
} cal_partial;

typedef struct cal_constr {
  cal_object head;
  uint64_t tag;
  cal_value fields[];
} cal_constr;

extern const cal_object cal_unit_object, cal_true_object, cal_false_object;

static inline bool cal_is_small(cal_value value) { return (value & 1) != 0; }

static inline int64_t cal_small(cal_value value) { return (int64_t)value >> 1; }

#define CAL_SMALL_MAX (INT64_MAX >> 1)
#define CAL_SMALL_MIN (INT64_MIN >> 1)

static inline cal_value cal_from_small(int64_t number) {
  return ((cal_value)number << 1) | (cal_value)1;
}

static inline const cal_object *cal_object_of(cal_value value) { return (const cal_object *)value; }

static inline cal_value cal_from_object(const void *object) { return (cal_value)object; }

static inline cal_kind cal_kind_of(cal_value value) {
  return cal_is_small(value) ? CAL_INTEGER : (cal_kind)cal_object_of(value)->kind;
}

static inline cal_value cal_from_bool(bool truth) {
  return cal_from_object(truth ? &cal_true_object : &cal_false_object);
}

static inline bool cal_bool(cal_value value) { return cal_object_of(value)->form != 0; }

#define CAL_AS(type, value) ((const type *)(value))

#define CAL_SIZE_MAX UINT32_MAX

static inline uint32_t cal_size_add(uint32_t a, uint32_t b) {
  return a > CAL_SIZE_MAX - b ? CAL_SIZE_MAX : a + b;
}

/* Constructors. Each returns 0 where the arena is exhausted (no value is 0). */
cal_value cal_make_bytes(cal_arena *arena, cal_kind kind, const uint8_t *data, size_t length);
/* Of the bytes of two, CAL_BYTES or CAL_TEXT alike. */
cal_value cal_join_bytes(cal_arena *arena, cal_kind kind, cal_value left, cal_value right);
cal_value cal_make_int64(cal_arena *arena, int64_t number);
cal_value cal_make_size(cal_arena *arena, uint64_t number);
/* From a magnitude of `count` limbs, leading zeros allowed, copied. */
cal_value cal_make_integer(cal_arena *arena, const mp_limb_t *limbs, size_t count, bool negative);
/* An integer of at most `count` limbs, to be computed in place: begin gives the
 * object whose limbs are to be set, NULL where the arena is exhausted; end makes
 * the value of it, and gives back the memory of leading zeros where it can. */
cal_big *cal_begin_integer(cal_arena *arena, size_t count);
cal_value cal_end_integer(cal_arena *arena, cal_big *big, size_t count, bool negative);
cal_value cal_make_nil(cal_arena *arena, const cal_type *element);
cal_value cal_make_cell(cal_arena *arena, const cal_type *element, cal_value first,
                        const cal_list *rest);
cal_value cal_make_pair(cal_arena *arena, const cal_type *type, cal_value first, cal_value second);
/* The elements of a list as an array. */
cal_value cal_make_array(cal_arena *arena, const cal_list *list);
cal_value cal_make_data(cal_arena *arena, cal_data_kind form, cal_value tag, cal_value payload);

/* Sets the sizes along a list of Data, or of pairs of Data, that was built from
 * front to back, once its elements are complete. */
void cal_seal_list(cal_list *list);

/* The same for a pair of Data, once both halves are complete. */
void cal_seal_pair(cal_pair *pair);

/* The size of a node of Data with the given payload, in words. */
uint32_t cal_data_size(cal_data_kind form, cal_value payload);

/* An integer's magnitude and sign, whichever form it has. `spare` is where the
 * limb of a small one goes; `limbs` is valid as long as `spare` is. */
typedef struct cal_limbs {
  const mp_limb_t *limbs;
  size_t count; /* 0 for zero */
  bool negative;
} cal_limbs;

cal_limbs cal_limbs_of(cal_value integer, mp_limb_t *spare);

/* Whether an integer lies between -2^(bits-1) and 2^(bits-1) - 1, for 64 bits
 * or more. */
bool cal_fits_bits(cal_value integer, size_t bits);

/* An integer as the machine's own. Out: *number. False where it does not fit. */
bool cal_int64_of(cal_value integer, int64_t *number);

bool cal_is_negative(cal_value integer);

/* Bytes in lexicographic order: negative, zero or positive as memcmp. */
int cal_compare_bytes(const cal_bytes *left, const cal_bytes *right);

/* The number of elements; walks along the list. */
size_t cal_list_length(const cal_list *list);

bool cal_type_equal(const cal_type *left, const cal_type *right);

/* The tags of types that are one tag long, by kind of value. Pairs, lists and arrays have none. */
extern const uint8_t cal_simple_tags[CAL_CLOSURE];

/* Whether a value is a constant of the given type. */
bool cal_has_type(cal_value value, const cal_type *type);

#endif
