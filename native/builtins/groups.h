/* BLS12-381 group elements and pairing results. The arithmetic is blst's. */
#ifndef CAL_GROUPS_H
#define CAL_GROUPS_H

#include <blst.h>

#include "builtins/table.h"

enum { CAL_G1_COMPRESSED = 48, CAL_G2_COMPRESSED = 96, CAL_SCALAR_BYTES = 32 };

typedef struct cal_g1 {
  cal_object head;
  blst_p1 point;
} cal_g1;

typedef struct cal_g2 {
  cal_object head;
  blst_p2 point;
} cal_g2;

typedef struct cal_ml_result {
  cal_object head;
  blst_fp12 element;
} cal_ml_result;

/* As the other constructors of values: 0 where the arena is exhausted. */
cal_value cal_make_g1(cal_arena *arena, const blst_p1 *point);
cal_value cal_make_g2(cal_arena *arena, const blst_p2 *point);
cal_value cal_make_ml_result(cal_arena *arena, const blst_fp12 *element);

/* Reads a compressed element, checked to be in its group. `kind` is CAL_G1 or
 * CAL_G2. Out: *value. */
cal_status cal_group_from_bytes(cal_arena *arena, cal_kind kind, const uint8_t *bytes,
                                size_t length, cal_value *value, cal_error *error);

/* Writes the compressed form, of at most CAL_G2_COMPRESSED bytes. */
void cal_group_to_bytes(cal_value value, uint8_t *bytes, size_t *length);

/* An integer modulo the order of the groups. Out: `scalar`, least byte first. */
cal_status cal_group_scalar(const cal_call *call, cal_value integer,
                            uint8_t scalar[CAL_SCALAR_BYTES]);

/* Whether an integer is one that may be a scalar where scalars are bounded: one
 * of 4096 bits in two's complement. */
bool cal_group_scalar_bounded(cal_value integer);

/* What a scalar below the order takes. */
enum { CAL_SCALAR_BITS = 255 };

#endif
