#include "builtins/groups.h"

#include <blst.h>
#include <string.h>

static cal_status read_g1(cal_arena *arena, const uint8_t *bytes, cal_value *value) {
  blst_p1_affine point;
  if (blst_p1_uncompress(&point, bytes) != BLST_SUCCESS || !blst_p1_affine_in_g1(&point)) {
    return CAL_MALFORMED;
  }
  cal_g1 *element = cal_alloc(arena, sizeof *element);
  if (element == NULL) {
    return CAL_OUT_OF_MEMORY;
  }
  element->head = (cal_object){.kind = CAL_G1};
  blst_p1_from_affine(&element->point, &point);
  *value = cal_from_object(element);
  return CAL_OK;
}

static cal_status read_g2(cal_arena *arena, const uint8_t *bytes, cal_value *value) {
  blst_p2_affine point;
  if (blst_p2_uncompress(&point, bytes) != BLST_SUCCESS || !blst_p2_affine_in_g2(&point)) {
    return CAL_MALFORMED;
  }
  cal_g2 *element = cal_alloc(arena, sizeof *element);
  if (element == NULL) {
    return CAL_OUT_OF_MEMORY;
  }
  element->head = (cal_object){.kind = CAL_G2};
  blst_p2_from_affine(&element->point, &point);
  *value = cal_from_object(element);
  return CAL_OK;
}

cal_status cal_group_from_bytes(cal_arena *arena, cal_kind kind, const uint8_t *bytes,
                                size_t length, cal_value *value, cal_error *error) {
  const size_t wanted = kind == CAL_G1 ? CAL_G1_COMPRESSED : CAL_G2_COMPRESSED;
  if (length != wanted || (bytes[0] & 0x80U) == 0) {
    return cal_fail(error, CAL_MALFORMED, "a compressed group element of %zu bytes, not %zu", length,
                    wanted);
  }
  const cal_status status =
      kind == CAL_G1 ? read_g1(arena, bytes, value) : read_g2(arena, bytes, value);
  if (status == CAL_MALFORMED) {
    return cal_fail(error, status, "bytes that are no point of the BLS12-381 group");
  }
  return status == CAL_OK ? CAL_OK
                          : cal_fail(error, status, "a group element needs more memory than allowed");
}

void cal_group_to_bytes(cal_value value, uint8_t *bytes, size_t *length) {
  if (cal_kind_of(value) == CAL_G1) {
    blst_p1_compress(bytes, &CAL_AS(cal_g1, value)->point);
    *length = CAL_G1_COMPRESSED;
  } else {
    blst_p2_compress(bytes, &CAL_AS(cal_g2, value)->point);
    *length = CAL_G2_COMPRESSED;
  }
}
