/* The native build about itself, and what must happen once when it is loaded. */
#ifndef CAL_NATIVE_H
#define CAL_NATIVE_H

/* Prepares the libraries. Returns 0, or -1 where one refuses to start. To be
 * called before anything else; calling it again does nothing. */
int cal_initialise(void);

/* How this was built: compiler, flags, libraries and their versions, blst and
 * the hash of the native sources. */
const char *cal_build_compiler(void);
const char *cal_build_flags(void);
const char *cal_build_libraries(void);
const char *cal_build_blst(void);
const char *cal_build_source_sha256(void);

#endif
