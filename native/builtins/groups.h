/* BLS12-381 group elements as constants. */
#ifndef CAL_GROUPS_H
#define CAL_GROUPS_H

#include <blst.h>

#include "machine/arena.h"
#include "machine/status.h"
#include "machine/value.h"

enum { CAL_G1_COMPRESSED = 48, CAL_G2_COMPRESSED = 96 };

typedef struct cal_g1 {
  cal_object head;
  blst_p1 point;
} cal_g1;

typedef struct cal_g2 {
  cal_object head;
  blst_p2 point;
} cal_g2;

/* Reads a compressed element, checked to be in its group. `kind` is CAL_G1 or
 * CAL_G2. Out: *value. */
cal_status cal_group_from_bytes(cal_arena *arena, cal_kind kind, const uint8_t *bytes,
                                size_t length, cal_value *value, cal_error *error);

/* Writes the compressed form, of at most CAL_G2_COMPRESSED bytes. */
void cal_group_to_bytes(cal_value value, uint8_t *bytes, size_t *length);

#endif
