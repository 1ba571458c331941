#include "builtins/groups.h"

#include <string.h>

#include "machine/gmp_memory.h"

enum { ORDER_LIMBS = 4, BOUNDED_SCALAR_BITS = 4096 };

/* The order of both groups, least limb first. */
static const mp_limb_t order[ORDER_LIMBS] = {0xffffffff00000001U, 0x53bda402fffe5bfeU,
                                             0x3339d80809a1d805U, 0x73eda753299d7d48U};

cal_value cal_make_g1(cal_arena *arena, const blst_p1 *point) {
  cal_g1 *element = cal_alloc(arena, sizeof *element);
  if (element != NULL) {
    *element = (cal_g1){{.kind = CAL_G1}, *point};
  }
  return cal_from_object(element);
}

cal_value cal_make_g2(cal_arena *arena, const blst_p2 *point) {
  cal_g2 *element = cal_alloc(arena, sizeof *element);
  if (element != NULL) {
    *element = (cal_g2){{.kind = CAL_G2}, *point};
  }
  return cal_from_object(element);
}

cal_value cal_make_ml_result(cal_arena *arena, const blst_fp12 *element) {
  cal_ml_result *result = cal_alloc(arena, sizeof *result);
  if (result != NULL) {
    *result = (cal_ml_result){{.kind = CAL_ML_RESULT}, *element};
  }
  return cal_from_object(result);
}

/* Out: *value, 0 where the arena is exhausted. False where the bytes are no
 * element of the group. */
static bool read_g1(cal_arena *arena, const uint8_t *bytes, cal_value *value) {
  blst_p1_affine affine;
  blst_p1 point;
  if (blst_p1_uncompress(&affine, bytes) != BLST_SUCCESS || !blst_p1_affine_in_g1(&affine)) {
    return false;
  }
  blst_p1_from_affine(&point, &affine);
  *value = cal_make_g1(arena, &point);
  return true;
}

static bool read_g2(cal_arena *arena, const uint8_t *bytes, cal_value *value) {
  blst_p2_affine affine;
  blst_p2 point;
  if (blst_p2_uncompress(&affine, bytes) != BLST_SUCCESS || !blst_p2_affine_in_g2(&affine)) {
    return false;
  }
  blst_p2_from_affine(&point, &affine);
  *value = cal_make_g2(arena, &point);
  return true;
}

cal_status cal_group_from_bytes(cal_arena *arena, cal_kind kind, const uint8_t *bytes,
                                size_t length, cal_value *value, cal_error *error) {
  const size_t wanted = kind == CAL_G1 ? CAL_G1_COMPRESSED : CAL_G2_COMPRESSED;
  if (length != wanted) {
    return cal_fail(error, CAL_MALFORMED, "a compressed group element of %zu bytes, not %zu",
                    length, wanted);
  }
  if (!(kind == CAL_G1 ? read_g1 : read_g2)(arena, bytes, value)) {
    return cal_fail(error, CAL_MALFORMED, "bytes that are no point of the BLS12-381 group");
  }
  return *value != 0
             ? CAL_OK
             : cal_fail(error, CAL_OUT_OF_MEMORY, "a group element needs more memory than allowed");
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

bool cal_group_scalar_bounded(cal_value integer) {
  return cal_fits_bits(integer, BOUNDED_SCALAR_BITS);
}

cal_status cal_group_scalar(const cal_call *call, cal_value integer,
                            uint8_t scalar[CAL_SCALAR_BYTES]) {
  mp_limb_t spare = 0;
  const cal_limbs number = cal_limbs_of(integer, &spare);
  mp_limb_t rest[ORDER_LIMBS] = {0};
  if (number.count < ORDER_LIMBS) {
    if (number.count != 0) {
      memcpy(rest, number.limbs, number.count * sizeof *rest);
    }
  } else {
    mp_limb_t *quotient =
        cal_alloc_array(call->scratch, number.count - ORDER_LIMBS + 1, sizeof *quotient);
    if (quotient == NULL || !cal_gmp_lend(call->scratch, cal_gmp_scratch(number.count))) {
      return cal_exhausted(call);
    }
    mpn_tdiv_qr(quotient, rest, 0, number.limbs, (mp_size_t)number.count, order, ORDER_LIMBS);
    cal_gmp_end_loan();
  }
  if (number.negative && mpn_zero_p(rest, ORDER_LIMBS) == 0) {
    (void)mpn_sub_n(rest, order, rest, ORDER_LIMBS);
  }
  for (size_t i = 0; i < CAL_SCALAR_BYTES; i++) {
    scalar[i] = (uint8_t)(rest[i / 8] >> (i % 8 * 8));
  }
  return CAL_OK;
}
