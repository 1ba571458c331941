/* Arrays, and dropping from lists: CIP-0138, CIP-0156 and CIP-0158. */
#include "builtins/families.h"

/* Beyond this many indices, the time to look them up hangs on where they lie. */
enum { MOST_INDICES = 1024 };

/* A negative count leaves the list as it is, one beyond its length the end. */
cal_status cal_dropList(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  const cal_list *list = CAL_AS(cal_list, a[1]);
  int64_t count = 0;
  if (!cal_int64_of(a[0], &count)) {
    count = cal_is_negative(a[0]) ? 0 : INT64_MAX;
  }
  for (; count > 0 && list->head.form != 0; count--) {
    list = list->rest;
  }
  *result = cal_from_object(list);
  return CAL_OK;
}

cal_status cal_lengthOfArray(const cal_call *call, const cal_value *a, cal_value *result) {
  return cal_return(call, cal_make_size(call->arena, CAL_AS(cal_array, a[0])->length), result);
}

cal_status cal_listToArray(const cal_call *call, const cal_value *a, cal_value *result) {
  return cal_return(call, cal_make_array(call->arena, CAL_AS(cal_list, a[0])), result);
}

/* The element at an index, or 0 where the array has none. */
static cal_value at(const cal_array *array, cal_value index) {
  int64_t number = 0;
  if (!cal_int64_of(index, &number) || number < 0 || (uint64_t)number >= array->length) {
    return 0;
  }
  return array->items[number];
}

cal_status cal_indexArray(const cal_call *call, const cal_value *a, cal_value *result) {
  *result = at(CAL_AS(cal_array, a[0]), a[1]);
  return *result != 0
             ? CAL_OK
             : cal_fail(call->error, CAL_FAILED, "builtin indexArray: index out of bounds");
}

cal_status cal_multiIndexArray(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_array *array = CAL_AS(cal_array, a[0]);
  cal_value found[MOST_INDICES];
  size_t count = 0;
  for (const cal_list *cell = CAL_AS(cal_list, a[1]); cell->head.form != 0; cell = cell->rest) {
    if (count == MOST_INDICES) {
      return cal_fail(call->error, CAL_FAILED, "builtin multiIndexArray: more than %d indices",
                      MOST_INDICES);
    }
    found[count] = at(array, cell->first);
    if (found[count++] == 0) {
      return cal_fail(call->error, CAL_FAILED, "builtin multiIndexArray: index out of bounds");
    }
  }
  cal_value list = cal_make_nil(call->arena, array->element);
  while (list != 0 && count > 0) {
    list = cal_make_cell(call->arena, array->element, found[--count], CAL_AS(cal_list, list));
  }
  return cal_return(call, list, result);
}
