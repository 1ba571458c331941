#include "native.h"

#include <secp256k1.h>
#include <sodium.h>

#include "machine/gmp_memory.h"

#ifndef CAL_BUILD_COMPILER /* set by native/build.py; absent when only checked */
#define CAL_BUILD_COMPILER "unknown"
#define CAL_BUILD_FLAGS "unknown"
#define CAL_BUILD_LIBRARIES "unknown"
#define CAL_BLST_BUILD "unknown"
#define CAL_SOURCE_SHA256 "unknown"
#endif

int cal_initialise(void) {
  cal_gmp_install();
  secp256k1_selftest();
  return sodium_init() < 0 ? -1 : 0;
}

const char *cal_build_compiler(void) { return CAL_BUILD_COMPILER; }
const char *cal_build_flags(void) { return CAL_BUILD_FLAGS; }
const char *cal_build_libraries(void) { return CAL_BUILD_LIBRARIES; }
const char *cal_build_blst(void) { return CAL_BLST_BUILD; }
const char *cal_build_source_sha256(void) { return CAL_SOURCE_SHA256; }
