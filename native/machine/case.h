/* Choosing the branch of a case. Internal to native/machine. */
#ifndef CAL_CASE_H
#define CAL_CASE_H

#include "machine/run.h"

/* The fields that a branch is applied to, one after another. */
typedef struct cal_fields {
  const cal_value *values;
  uint32_t count;
} cal_fields;

/* Out: *branch, below the number of branches; *fields. Constants may be scrutinised where the
 * variant allows it (D and E): False and True are 0 and 1, unit is 0, an integer its own value, a
 * pair has one branch of two fields, a list has the branch of head and tail first and, if there are
 * two, that of the empty list second. */
cal_status cal_case_select(cal_run *run, const cal_node *cases, cal_value scrutinee,
                           uint32_t *branch, cal_fields *fields);

#endif
