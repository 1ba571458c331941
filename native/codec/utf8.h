/* Whether bytes are UTF-8. */
#ifndef CAL_UTF8_H
#define CAL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether bytes are UTF-8 as Unicode defines it: no surrogates, no overlong
 * forms, nothing beyond U+10FFFF. */
bool cal_is_utf8(const uint8_t *data, size_t length);

#endif
