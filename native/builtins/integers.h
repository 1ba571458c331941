/* Arithmetic that other builtins need too. */
#ifndef CAL_INTEGERS_H
#define CAL_INTEGERS_H

#include "builtins/table.h"

/* 0 where the arena is exhausted. */
cal_value cal_integer_add(const cal_call *call, cal_value left, cal_value right);
cal_value cal_integer_multiply(const cal_call *call, cal_value left, cal_value right);

/* Negative, zero or positive. */
int cal_integer_compare(cal_value left, cal_value right);

#endif
