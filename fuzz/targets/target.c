#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models.h" /* made by fuzz/build.py */
#include "native.h"
#include "tracker.h"

/* Two machines with their cost models, scripts without their content, and the
 * numbers of expModInteger that GMP keeps. */
enum { BESIDES_CAPS = 160 * 1024 };

_Noreturn void cal_target_failed(const char *file, int line, const char *what) {
  (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  abort();
}

cal_decode_options cal_target_options(size_t memory_cap) {
  cal_decode_options options = {.version_1_1 = 1,
                                .group_elements = 1,
                                .max_fields = UINT32_MAX,
                                .max_type_size = UINT32_MAX,
                                .memory_cap = memory_cap};
  for (size_t tag = 0; tag < CAL_BUILTIN_ROWS; tag++) {
    options.builtins[tag] = cal_builtins[tag].name != NULL;
  }
  return options;
}

cal_machine *cal_target_machine(cal_variant variant, size_t memory_cap) {
  cal_error error = {0};
  cal_machine *machine =
      cal_machine_new(cal_target_model, CAL_PACK_LENGTH, variant, memory_cap, &error);
  CAL_CHECK(machine != NULL || error.text[0] != '\0');
  return machine;
}

void cal_target_begin(void) {
  static bool ready = false;
  if (!ready) {
    cal_track_gmp();
    CAL_CHECK(cal_initialise() == 0);
    ready = true;
  }
  cal_track_begin();
}

void cal_target_end(size_t most) {
  cal_arena_drop_spares();
  const cal_tracked seen = cal_track_end();
  CAL_CHECK(seen.held == 0);
  CAL_CHECK(seen.peak <= (int64_t)most + BESIDES_CAPS);
}

void cal_target_expect(cal_status status, unsigned allowed, const cal_error *error) {
  if (status != CAL_OK) {
    CAL_CHECK(memchr(error->text, '\0', CAL_ERROR_TEXT) != NULL);
    CAL_CHECK(error->text[0] != '\0');
  }
  if ((1U << status & allowed) == 0) {
    cal_target_failed(error->text, (int)status, "the status is one that may come");
  }
}
