#include "machine/case.h"

static cal_status no_branch(cal_run *run) {
  return cal_fail(run->error, CAL_FAILED, "a case has no branch for its scrutinee");
}

static cal_status two_fields(cal_run *run, cal_value first, cal_value second, cal_fields *fields) {
  cal_value *values = cal_alloc_array(&run->machine->arena, 2, sizeof *values);
  if (values == NULL) {
    return cal_exhausted(&run->call);
  }
  values[0] = first;
  values[1] = second;
  *fields = (cal_fields){values, 2};
  return CAL_OK;
}

static cal_status select_list(cal_run *run, uint32_t branches, const cal_list *list,
                              uint32_t *branch, cal_fields *fields) {
  if (branches < 1 || branches > 2) {
    return no_branch(run);
  }
  if (list->head.form == 0) {
    *branch = 1;
    return branches == 2 ? CAL_OK : no_branch(run);
  }
  *branch = 0;
  return two_fields(run, list->first, cal_from_object(list->rest), fields);
}

static cal_status select_constant(cal_run *run, uint32_t branches, cal_value scrutinee,
                                  uint32_t *branch, cal_fields *fields) {
  *branch = 0;
  switch (cal_kind_of(scrutinee)) {
  case CAL_UNIT:
    return branches == 1 ? CAL_OK : no_branch(run);
  case CAL_BOOL:
    *branch = cal_bool(scrutinee) ? 1 : 0;
    return branches <= 2 && *branch < branches ? CAL_OK : no_branch(run);
  case CAL_INTEGER:
    if (!cal_is_small(scrutinee) || cal_small(scrutinee) < 0 ||
        cal_small(scrutinee) >= (int64_t)branches) {
      return no_branch(run);
    }
    *branch = (uint32_t)cal_small(scrutinee);
    return CAL_OK;
  case CAL_PAIR: {
    const cal_pair *pair = CAL_AS(cal_pair, scrutinee);
    return branches != 1 ? no_branch(run) : two_fields(run, pair->first, pair->second, fields);
  }
  case CAL_LIST:
    return select_list(run, branches, CAL_AS(cal_list, scrutinee), branch, fields);
  default:
    return cal_fail(run->error, CAL_FAILED, "a case scrutinises what has no constructors");
  }
}

cal_status cal_case_select(cal_run *run, const cal_node *cases, cal_value scrutinee,
                           uint32_t *branch, cal_fields *fields) {
  *fields = (cal_fields){NULL, 0};
  if (cal_kind_of(scrutinee) == CAL_CONSTR) {
    const cal_constr *constr = CAL_AS(cal_constr, scrutinee);
    if (constr->tag >= cases->number) {
      return no_branch(run);
    }
    *branch = (uint32_t)constr->tag;
    *fields = (cal_fields){constr->fields, constr->head.size};
    return CAL_OK;
  }
  if (run->machine->variant < CAL_VARIANT_D) {
    return cal_fail(run->error, CAL_FAILED, "a case scrutinises what is no constructor");
  }
  return select_constant(run, cases->number, scrutinee, branch, fields);
}
