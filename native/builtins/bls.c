/* The operations on each of the two BLS12-381 groups: CIP-0381. The two differ
 * in nothing but the names of blst's functions, so they are written once. */
#include "builtins/families.h"
#include "builtins/groups.h"

enum { LONGEST_TAG = 255 };

/* Variants D and E bound the scalar. */
static cal_status scalar_of(const cal_call *call, cal_value integer,
                            uint8_t scalar[CAL_SCALAR_BYTES]) {
  if (call->variant >= CAL_VARIANT_D && !cal_group_scalar_bounded(integer)) {
    return cal_fail(call->error, CAL_FAILED,
                    "builtin bls12_381 scalarMul: a scalar beyond 4096 bits");
  }
  cal_begin_scratch(call);
  return cal_group_scalar(call, integer, scalar);
}

static cal_status compress(const cal_call *call, cal_value element, cal_value *result) {
  uint8_t *bytes = cal_alloc(call->arena, CAL_G2_COMPRESSED);
  if (bytes == NULL) {
    return cal_exhausted(call);
  }
  size_t length = 0;
  cal_group_to_bytes(element, bytes, &length);
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, bytes, length), result);
}

static cal_status uncompress(const cal_call *call, cal_kind kind, cal_value value,
                             cal_value *result) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, value);
  const cal_status status =
      cal_group_from_bytes(call->arena, kind, bytes->data, bytes->length, result, call->error);
  return status == CAL_MALFORMED ? CAL_FAILED : status;
}

/* The domain separation tag of hashToGroup. */
static cal_status check_tag(const cal_call *call, const cal_bytes *tag) {
  return tag->length <= LONGEST_TAG
             ? CAL_OK
             : cal_fail(
                   call->error, CAL_FAILED,
                   "builtin bls12_381 hashToGroup: a domain separation tag of more than %d bytes",
                   LONGEST_TAG);
}

#define BUILTIN(group, name)                                                          \
  cal_status cal_bls12_381_##group##_##name(const cal_call *call, const cal_value *a, \
                                            cal_value *result)

/* group: G1 or G2; type: its structure; p: what blst calls its points. */
#define GROUP(group, type, p, make, kind, hash)                                             \
  BUILTIN(group, add) {                                                                     \
    blst_##p sum;                                                                           \
    blst_##p##_add_or_double(&sum, &CAL_AS(type, a[0])->point, &CAL_AS(type, a[1])->point); \
    return cal_return(call, make(call->arena, &sum), result);                               \
  }                                                                                         \
  BUILTIN(group, neg) {                                                                     \
    blst_##p point = CAL_AS(type, a[0])->point;                                             \
    blst_##p##_cneg(&point, true);                                                          \
    return cal_return(call, make(call->arena, &point), result);                             \
  }                                                                                         \
  BUILTIN(group, scalarMul) {                                                               \
    uint8_t scalar[CAL_SCALAR_BYTES];                                                       \
    const cal_status status = scalar_of(call, a[0], scalar);                                \
    if (status != CAL_OK) {                                                                 \
      return status;                                                                        \
    }                                                                                       \
    blst_##p product;                                                                       \
    blst_##p##_mult(&product, &CAL_AS(type, a[1])->point, scalar, CAL_SCALAR_BITS);         \
    return cal_return(call, make(call->arena, &product), result);                           \
  }                                                                                         \
  BUILTIN(group, equal) {                                                                   \
    (void)call;                                                                             \
    *result = cal_from_bool(                                                                \
        blst_##p##_is_equal(&CAL_AS(type, a[0])->point, &CAL_AS(type, a[1])->point));       \
    return CAL_OK;                                                                          \
  }                                                                                         \
  BUILTIN(group, compress) { return compress(call, a[0], result); }                         \
  BUILTIN(group, uncompress) { return uncompress(call, kind, a[0], result); }               \
  BUILTIN(group, hashToGroup) {                                                             \
    const cal_bytes *message = CAL_AS(cal_bytes, a[0]);                                     \
    const cal_bytes *tag = CAL_AS(cal_bytes, a[1]);                                         \
    const cal_status status = check_tag(call, tag);                                         \
    if (status != CAL_OK) {                                                                 \
      return status;                                                                        \
    }                                                                                       \
    blst_##p point;                                                                         \
    hash(&point, message->data, message->length, tag->data, tag->length, NULL, 0);          \
    return cal_return(call, make(call->arena, &point), result);                             \
  }

GROUP(G1, cal_g1, p1, cal_make_g1, CAL_G1, blst_hash_to_g1)
GROUP(G2, cal_g2, p2, cal_make_g2, CAL_G2, blst_hash_to_g2)
