/* Choices, pairs and lists. */
#include "builtins/families.h"

cal_status cal_ifThenElse(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = cal_bool(a[0]) ? a[1] : a[2];
  return CAL_OK;
}

cal_status cal_chooseUnit(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = a[1];
  return CAL_OK;
}

cal_status cal_fstPair(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = CAL_AS(cal_pair, a[0])->first;
  return CAL_OK;
}

cal_status cal_sndPair(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = CAL_AS(cal_pair, a[0])->second;
  return CAL_OK;
}

static bool is_nil(cal_value list) { return CAL_AS(cal_list, list)->head.form == 0; }

cal_status cal_chooseList(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = is_nil(a[0]) ? a[1] : a[2];
  return CAL_OK;
}

cal_status cal_mkCons(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_list *rest = CAL_AS(cal_list, a[1]);
  if (!cal_has_type(a[0], rest->element)) {
    return cal_fail(call->error, CAL_FAILED,
                    "builtin mkCons: an element that is not of the list's type");
  }
  return cal_return(call, cal_make_cell(call->arena, rest->element, a[0], rest), result);
}

cal_status cal_headList(const cal_call *call, const cal_value *a, cal_value *result) {
  if (is_nil(a[0])) {
    return cal_fail(call->error, CAL_FAILED, "builtin headList: an empty list");
  }
  *result = CAL_AS(cal_list, a[0])->first;
  return CAL_OK;
}

cal_status cal_tailList(const cal_call *call, const cal_value *a, cal_value *result) {
  if (is_nil(a[0])) {
    return cal_fail(call->error, CAL_FAILED, "builtin tailList: an empty list");
  }
  *result = cal_from_object(CAL_AS(cal_list, a[0])->rest);
  return CAL_OK;
}

cal_status cal_nullList(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = cal_from_bool(is_nil(a[0]));
  return CAL_OK;
}

/* What a call costs that does nothing: measured to be taken off the others. */
cal_status cal_nop(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  (void)a;
  *result = cal_from_object(&cal_unit_object);
  return CAL_OK;
}
