#include <string.h>

#include "builtins/families.h"
#include "builtins/integers.h"
#include "codec/cbor.h"

static const cal_data *data_of(cal_value value) { return CAL_AS(cal_data, value); }

cal_status cal_chooseData(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = a[1 + data_of(a[0])->head.form];
  return CAL_OK;
}

/* Variants D and E take only the constructors that can also be read back. */
cal_status cal_constrData(const cal_call *call, const cal_value *a, cal_value *result) {
  const bool readable = !cal_is_negative(a[0]) && cal_fits_bits(a[0], 65);
  if (!readable && call->variant >= CAL_VARIANT_D) {
    return cal_fail(call->error, CAL_FAILED, "builtin constrData: a constructor beyond 64 bits");
  }
  return cal_return(call, cal_make_data(call->arena, CAL_DATA_CONSTR, a[0], a[1]), result);
}

static cal_status wrap(const cal_call *call, cal_data_kind form, cal_value payload,
                       cal_value *result) {
  return cal_return(call, cal_make_data(call->arena, form, cal_from_small(0), payload), result);
}

cal_status cal_mapData(const cal_call *call, const cal_value *a, cal_value *result) {
  return wrap(call, CAL_DATA_MAP, a[0], result);
}

cal_status cal_listData(const cal_call *call, const cal_value *a, cal_value *result) {
  return wrap(call, CAL_DATA_LIST, a[0], result);
}

cal_status cal_iData(const cal_call *call, const cal_value *a, cal_value *result) {
  return wrap(call, CAL_DATA_INTEGER, a[0], result);
}

cal_status cal_bData(const cal_call *call, const cal_value *a, cal_value *result) {
  return wrap(call, CAL_DATA_BYTES, a[0], result);
}

cal_status cal_unConstrData(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_data *data = data_of(a[0]);
  if (data->head.form != CAL_DATA_CONSTR) {
    return cal_fail(call->error, CAL_FAILED, "builtin unConstrData: Data that is no constructor");
  }
  return cal_return(
      call, cal_make_pair(call->arena, &cal_type_pair_integer_list_data, data->tag, data->payload),
      result);
}

static cal_status unwrap(const cal_call *call, const char *name, cal_data_kind form,
                         const cal_value *a, cal_value *result) {
  const cal_data *data = data_of(a[0]);
  if (data->head.form != form) {
    return cal_fail(call->error, CAL_FAILED, "builtin %s: Data of another kind", name);
  }
  *result = data->payload;
  return CAL_OK;
}

cal_status cal_unMapData(const cal_call *call, const cal_value *a, cal_value *result) {
  return unwrap(call, "unMapData", CAL_DATA_MAP, a, result);
}

cal_status cal_unListData(const cal_call *call, const cal_value *a, cal_value *result) {
  return unwrap(call, "unListData", CAL_DATA_LIST, a, result);
}

cal_status cal_unIData(const cal_call *call, const cal_value *a, cal_value *result) {
  return unwrap(call, "unIData", CAL_DATA_INTEGER, a, result);
}

cal_status cal_unBData(const cal_call *call, const cal_value *a, cal_value *result) {
  return unwrap(call, "unBData", CAL_DATA_BYTES, a, result);
}

cal_status cal_mkPairData(const cal_call *call, const cal_value *a, cal_value *result) {
  return cal_return(call, cal_make_pair(call->arena, &cal_type_pair_data, a[0], a[1]), result);
}

cal_status cal_mkNilData(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)a;
  return cal_return(call, cal_make_nil(call->arena, &cal_type_data), result);
}

cal_status cal_mkNilPairData(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)a;
  return cal_return(call, cal_make_nil(call->arena, &cal_type_pair_data), result);
}

cal_status cal_serialiseData(const cal_call *call, const cal_value *a, cal_value *result) {
  const uint8_t *bytes = NULL;
  size_t length = 0;
  bool readable = false; /* nobody asks: the ledger writes what it will not read */
  const cal_status status =
      cal_data_to_cbor(call->arena, a[0], SIZE_MAX, &bytes, &length, &readable, call->error);
  if (status != CAL_OK) {
    return status;
  }
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, bytes, length), result);
}

static bool same_bytes(cal_value left, cal_value right) {
  const cal_bytes *x = CAL_AS(cal_bytes, left);
  const cal_bytes *y = CAL_AS(cal_bytes, right);
  return x->length == y->length && memcmp(x->data, y->data, x->length) == 0;
}

/* Two Data values still to be compared, or two lists. */
typedef struct both {
  cal_value left;
  cal_value right;
} both;

static cal_status push(cal_stack *stack, const cal_call *call, cal_value left, cal_value right) {
  both *next = cal_stack_push(stack, sizeof *next);
  if (next == NULL) {
    return cal_exhausted(call);
  }
  *next = (both){left, right};
  return CAL_OK;
}

static cal_status push_lists(cal_stack *stack, const cal_call *call, both lists, bool *equal) {
  const cal_list *x = CAL_AS(cal_list, lists.left);
  const cal_list *y = CAL_AS(cal_list, lists.right);
  if (x->head.form == 0 || y->head.form == 0) {
    *equal = x->head.form == y->head.form;
    return CAL_OK;
  }
  cal_status status = push(stack, call, cal_from_object(x->rest), cal_from_object(y->rest));
  if (cal_kind_of(x->first) != CAL_PAIR) {
    return status != CAL_OK ? status : push(stack, call, x->first, y->first);
  }
  const cal_pair *left = CAL_AS(cal_pair, x->first);
  const cal_pair *right = CAL_AS(cal_pair, y->first);
  if (status == CAL_OK) {
    status = push(stack, call, left->second, right->second);
  }
  return status != CAL_OK ? status : push(stack, call, left->first, right->first);
}

static cal_status compare_one(cal_stack *stack, const cal_call *call, both now, bool *equal) {
  if (cal_kind_of(now.left) == CAL_LIST) {
    return push_lists(stack, call, now, equal);
  }
  const cal_data *x = data_of(now.left);
  const cal_data *y = data_of(now.right);
  *equal = x->head.form == y->head.form && cal_integer_equal(x->tag, y->tag);
  if (!*equal) {
    return CAL_OK;
  }
  if (x->head.form == CAL_DATA_INTEGER) {
    *equal = cal_integer_equal(x->payload, y->payload);
    return CAL_OK;
  }
  if (x->head.form == CAL_DATA_BYTES) {
    *equal = same_bytes(x->payload, y->payload);
    return CAL_OK;
  }
  return push_lists(stack, call, (both){x->payload, y->payload}, equal);
}

cal_status cal_equalsData(const cal_call *call, const cal_value *a, cal_value *result) {
  cal_stack stack;
  cal_stack_init(&stack, call->arena);
  bool equal = true;
  cal_status status = push(&stack, call, a[0], a[1]);
  const both *next = NULL;
  while (status == CAL_OK && equal && (next = cal_stack_pop(&stack, sizeof *next)) != NULL) {
    status = compare_one(&stack, call, *next, &equal);
  }
  cal_stack_release(&stack);
  *result = cal_from_bool(equal);
  return status;
}
