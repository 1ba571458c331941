/* The built-in Value in flat: a list of currencies with lists of tokens. */
#ifndef CAL_CODEC_ASSETS_H
#define CAL_CODEC_ASSETS_H

#include "codec/reader.h"
#include "codec/writer.h"

/* Out: *value. CAL_MALFORMED for one that is not in its only form: see the
 * invariant in builtins/assets.h. */
cal_status cal_read_assets(cal_reader *reader, cal_arena *arena, cal_value *value,
                           cal_error *error);

/* False where the arena is exhausted. */
bool cal_write_assets(cal_writer *writer, cal_arena *arena, cal_value value);

#endif
