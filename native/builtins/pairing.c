/* The pairing on BLS12-381, in the two steps of CIP-0381: Miller loops, whose
 * results may be multiplied, and a final check. */
#include "builtins/families.h"
#include "builtins/groups.h"

cal_status cal_bls12_381_millerLoop(const cal_call *call, const cal_value *a, cal_value *result) {
  blst_p1_affine p;
  blst_p2_affine q;
  blst_fp12 element;
  blst_p1_to_affine(&p, &CAL_AS(cal_g1, a[0])->point);
  blst_p2_to_affine(&q, &CAL_AS(cal_g2, a[1])->point);
  blst_miller_loop(&element, &q, &p);
  return cal_return(call, cal_make_ml_result(call->arena, &element), result);
}

cal_status cal_bls12_381_mulMlResult(const cal_call *call, const cal_value *a, cal_value *result) {
  blst_fp12 product;
  blst_fp12_mul(&product, &CAL_AS(cal_ml_result, a[0])->element,
                &CAL_AS(cal_ml_result, a[1])->element);
  return cal_return(call, cal_make_ml_result(call->arena, &product), result);
}

cal_status cal_bls12_381_finalVerify(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = cal_from_bool(blst_fp12_finalverify(&CAL_AS(cal_ml_result, a[0])->element,
                                                &CAL_AS(cal_ml_result, a[1])->element));
  return CAL_OK;
}
