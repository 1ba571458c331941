/* The builtins as the machine knows them: one row each, by flat tag.
 *
 * `costmodel/plutus/builtins.py` holds the table for people and for fitting;
 * a test compares the two row by row, so that neither can drift.
 */
#ifndef CAL_TABLE_H
#define CAL_TABLE_H

#include "machine/arena.h"
#include "machine/status.h"
#include "machine/value.h"

/* CAL_TAG_addInteger and so on: the flat tags. */
enum {
#define ROW(name, ...) CAL_TAG_##name
#define BOUNDED(name, ...) CAL_TAG_##name
#define MEASURED(name, ...) CAL_TAG_##name
#include "builtins/rows.h"
#undef ROW
#undef BOUNDED
#undef MEASURED
  CAL_BUILTINS /* their number */
};

enum {
  CAL_NOPS = 18, /* tags behind them: no-ops of arity 1-6 with 0-2 forces, to measure by */
  CAL_BUILTIN_ROWS = 128,
  CAL_MAX_ARITY = 6
};

/* What variants D and E let a bounded argument be: an integer from -2^262143
 * to 2^262143 - 1, a byte string of at most 64 KiB. */
enum { CAL_BOUND_BITS = 262144, CAL_BOUND_BYTES = 65536 };

/* Semantics variants; see plutus `BuiltinSemanticsVariant`. */
typedef enum cal_variant {
  CAL_VARIANT_A,
  CAL_VARIANT_B,
  CAL_VARIANT_C,
  CAL_VARIANT_D,
  CAL_VARIANT_E
} cal_variant;

/* What an argument must be before its builtin is called. */
typedef enum cal_want {
  CAL_WANT_ANY,
  CAL_WANT_INTEGER,
  CAL_WANT_BYTES,
  CAL_WANT_TEXT,
  CAL_WANT_UNIT,
  CAL_WANT_BOOL,
  CAL_WANT_LIST, /* of any type */
  CAL_WANT_LIST_DATA,
  CAL_WANT_LIST_PAIR_DATA,
  CAL_WANT_LIST_INTEGER,
  CAL_WANT_LIST_BYTES,
  CAL_WANT_LIST_G1,
  CAL_WANT_LIST_G2,
  CAL_WANT_PAIR,
  CAL_WANT_DATA,
  CAL_WANT_G1,
  CAL_WANT_G2,
  CAL_WANT_ML_RESULT,
  CAL_WANT_ARRAY,
  CAL_WANT_MULTI_ASSET
} cal_want;

/* How an argument's size is taken for its cost: plutus `ExMemoryUsage`. */
typedef enum cal_measure {
  CAL_MEASURE_DEFAULT,
  CAL_MEASURE_TEXT,           /* UTF-8 bytes quot 4 in variants D and E, characters before */
  CAL_MEASURE_BYTES_AS_WORDS, /* an integer that counts bytes, in words */
  CAL_MEASURE_LITERAL,        /* an integer's magnitude itself */
  CAL_MEASURE_SHIFT,          /* 1 in variants D and E, the magnitude before */
  CAL_MEASURE_DEPTH,          /* of a Value: bits of its number of currencies, and of the greatest
                                 number of tokens that one of them has */
  CAL_MEASURE_POLICIES,       /* of a Value: its number of currencies */
  CAL_MEASURE_OUTER_DEPTH,    /* of a Value: bits of its number of currencies */
  CAL_MEASURE_NODES           /* of Data: how many nodes */
} cal_measure;

/* What a builtin may use besides its arguments. */
typedef struct cal_call {
  cal_arena *arena;   /* for the result */
  cal_arena *scratch; /* for what is of use during the call only: cal_begin_scratch */
  cal_error *error;
  struct cal_log *log; /* for trace */
  cal_variant variant;
} cal_call;

/* Computes the result of a saturated call whose arguments are of the kinds
 * wanted. Out: *result. CAL_FAILED with a reason where the builtin fails. */
typedef cal_status (*cal_builtin_function)(const cal_call *call, const cal_value *arguments,
                                           cal_value *result);

typedef struct cal_builtin {
  const char *name;
  cal_builtin_function function;
  uint8_t arity;
  uint8_t forces;
  uint8_t wants[CAL_MAX_ARITY];    /* cal_want */
  uint8_t measures[CAL_MAX_ARITY]; /* cal_measure */
  uint8_t bounded; /* bit i: variants D and E bound argument i, an integer or a byte string */
} cal_builtin;

_Static_assert(CAL_BUILTINS + CAL_NOPS <= CAL_BUILTIN_ROWS, "a tag has seven bits in flat");

extern const cal_builtin cal_builtins[CAL_BUILTIN_ROWS];

/* Whether a value is what a builtin wants. */
bool cal_wanted(cal_value value, cal_want want);

/* Whether every bounded argument, all being what is wanted, is within bounds. */
bool cal_within_bounds(const cal_builtin *builtin, const cal_value *arguments);

/* The size of an argument for costing, from 0 on, by any measure but
 * CAL_MEASURE_NODES. */
int64_t cal_size_of(const cal_call *call, cal_value value, cal_measure measure);

/* The nodes of Data, for which it walks; INT64_MAX for more than `most`, -1 where
 * there is no memory. */
int64_t cal_nodes_of(const cal_call *call, cal_value data, int64_t most);

/* To be called first by a builtin that uses call->scratch, whose content is from
 * then on that of this call. */
static inline void cal_begin_scratch(const cal_call *call) {
  if (!cal_arena_is_empty(call->scratch)) {
    cal_arena_reset(call->scratch);
  }
}

/* Shorthands for builtins. */
cal_status cal_return(const cal_call *call, cal_value value, cal_value *result);
cal_status cal_exhausted(const cal_call *call);

#endif
