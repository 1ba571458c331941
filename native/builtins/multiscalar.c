/* Sums of multiples of group elements: CIP-0133. */
#include <string.h>

#include "builtins/families.h"
#include "builtins/groups.h"

/* The terms that matter: pairs of a scalar and a point, neither of them zero. */
typedef struct terms {
  size_t count;
  const void **points; /* of the group's own type */
  const uint8_t **scalars;
  uint8_t *scalar_bytes; /* what `scalars` points into */
} terms;

/* Every scalar is checked, also one that no point stands beside. */
static cal_status check_scalars(const cal_call *call, const cal_list *scalars) {
  for (; scalars->head.form != 0; scalars = scalars->rest) {
    if (!cal_group_scalar_bounded(scalars->first)) {
      return cal_fail(call->error, CAL_FAILED,
                      "builtin bls12_381 multiScalarMul: a scalar beyond 4096 bits");
    }
  }
  return CAL_OK;
}

static bool is_zero(const uint8_t scalar[CAL_SCALAR_BYTES]) {
  uint8_t any = 0;
  for (size_t i = 0; i < CAL_SCALAR_BYTES; i++) {
    any |= scalar[i];
  }
  return any == 0;
}

/* The point that an element holds, or NULL where it is the one at infinity. */
static const void *finite_point(cal_value element) {
  if (cal_kind_of(element) == CAL_G1) {
    const blst_p1 *point = &CAL_AS(cal_g1, element)->point;
    return blst_p1_is_inf(point) ? NULL : point;
  }
  const blst_p2 *point = &CAL_AS(cal_g2, element)->point;
  return blst_p2_is_inf(point) ? NULL : point;
}

/* Pairs the lists up, as far as the shorter goes. Out: *terms, in the scratch arena. */
static cal_status collect(const cal_call *call, const cal_list *scalars, const cal_list *points,
                          terms *terms) {
  const size_t most = cal_list_length(scalars);
  terms->count = 0;
  terms->points = cal_alloc_array(call->scratch, most, sizeof *terms->points);
  terms->scalars = cal_alloc_array(call->scratch, most, sizeof *terms->scalars);
  terms->scalar_bytes = cal_alloc_array(call->scratch, most, CAL_SCALAR_BYTES);
  if (terms->points == NULL || terms->scalars == NULL || terms->scalar_bytes == NULL) {
    return cal_exhausted(call);
  }
  for (; scalars->head.form != 0 && points->head.form != 0;
       scalars = scalars->rest, points = points->rest) {
    uint8_t *bytes = terms->scalar_bytes + terms->count * CAL_SCALAR_BYTES;
    const void *point = finite_point(points->first);
    const cal_status status = cal_group_scalar(call, scalars->first, bytes);
    if (status != CAL_OK) {
      return status;
    }
    if (point != NULL && !is_zero(bytes)) {
      terms->points[terms->count] = point;
      terms->scalars[terms->count++] = bytes;
    }
  }
  return CAL_OK;
}

/* A single term is a multiplication, more of them are Pippenger's method, which
 * wants affine points and memory to work in. */
#define SUM(p)                                                                                     \
  static cal_status sum_##p(const cal_call *call, const terms *terms, blst_##p *sum) {             \
    memset(sum, 0, sizeof *sum);                                                                   \
    if (terms->count == 0) {                                                                       \
      return CAL_OK;                                                                               \
    }                                                                                              \
    if (terms->count == 1) {                                                                       \
      blst_##p##_mult(sum, terms->points[0], terms->scalars[0], CAL_SCALAR_BITS);                  \
      return CAL_OK;                                                                               \
    }                                                                                              \
    blst_##p##_affine *affine = cal_alloc_array(call->scratch, terms->count, sizeof *affine);      \
    const blst_##p##_affine **each = cal_alloc_array(call->scratch, terms->count, sizeof *each);   \
    const blst_##p **points = cal_alloc_array(call->scratch, terms->count, sizeof *points);        \
    limb_t *scratch =                                                                              \
        cal_alloc(call->scratch, blst_##p##s_mult_pippenger_scratch_sizeof(terms->count));         \
    if (affine == NULL || each == NULL || points == NULL || scratch == NULL) {                     \
      return cal_exhausted(call);                                                                  \
    }                                                                                              \
    for (size_t i = 0; i < terms->count; i++) {                                                    \
      points[i] = terms->points[i];                                                                \
      each[i] = &affine[i];                                                                        \
    }                                                                                              \
    blst_##p##s_to_affine(affine, points, terms->count);                                           \
    blst_##p##s_mult_pippenger(sum, each, terms->count, terms->scalars, CAL_SCALAR_BITS, scratch); \
    return CAL_OK;                                                                                 \
  }

SUM(p1)
SUM(p2)

static cal_status terms_of(const cal_call *call, const cal_value *a, terms *terms) {
  cal_begin_scratch(call);
  const cal_list *scalars = CAL_AS(cal_list, a[0]);
  const cal_status status = check_scalars(call, scalars);
  return status != CAL_OK ? status : collect(call, scalars, CAL_AS(cal_list, a[1]), terms);
}

cal_status cal_bls12_381_G1_multiScalarMul(const cal_call *call, const cal_value *a,
                                           cal_value *result) {
  terms terms;
  blst_p1 sum;
  cal_status status = terms_of(call, a, &terms);
  if (status == CAL_OK) {
    status = sum_p1(call, &terms, &sum);
  }
  return status != CAL_OK ? status : cal_return(call, cal_make_g1(call->arena, &sum), result);
}

cal_status cal_bls12_381_G2_multiScalarMul(const cal_call *call, const cal_value *a,
                                           cal_value *result) {
  terms terms;
  blst_p2 sum;
  cal_status status = terms_of(call, a, &terms);
  if (status == CAL_OK) {
    status = sum_p2(call, &terms, &sum);
  }
  return status != CAL_OK ? status : cal_return(call, cal_make_g2(call->arena, &sum), result);
}
