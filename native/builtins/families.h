/* The functions behind the table, a family a file. */
#ifndef CAL_FAMILIES_H
#define CAL_FAMILIES_H

#include "builtins/table.h"

#define DECLARATOR(name) cal_##name(const cal_call *call, const cal_value *a, cal_value *result)
#define ROW(name, ...) DECLARATOR(name)
#define BOUNDED(name, ...) DECLARATOR(name)
#define MEASURED(name, ...) DECLARATOR(name)

/* cal_addInteger and so on, and cal_nop. */
cal_status
#include "builtins/rows.h"
    DECLARATOR(nop);

#undef ROW
#undef BOUNDED
#undef MEASURED
#undef DECLARATOR

#endif
