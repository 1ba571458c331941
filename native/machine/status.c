#include "machine/status.h"

#include <stdarg.h>
#include <stdio.h>

cal_status cal_fail(cal_error *error, cal_status status, const char *format, ...) {
  if (error != NULL) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
  }
  return status;
}
