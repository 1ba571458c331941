/* Constants in flat: a list of type tags, then the value. */
#ifndef CAL_CONSTANT_H
#define CAL_CONSTANT_H

#include "codec/reader.h"
#include "machine/script.h"

/* Reads the type and the value of one constant. Iterative in the depth of both.
 * Out: *value. */
cal_status cal_read_constant(cal_reader *reader, cal_arena *arena,
                             const cal_decode_options *options, cal_value *value, cal_error *error);

#endif
