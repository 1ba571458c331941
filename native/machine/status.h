/* What every fallible function of the native side returns, and how it tells
 * the reason. Nothing here prints, exits or aborts: a status travels up to the
 * caller, together with a sentence for a person in a `cal_error`.
 */
#ifndef CAL_STATUS_H
#define CAL_STATUS_H

#include <stddef.h>
#include <stdint.h>

typedef enum cal_status {
  CAL_OK = 0,
  CAL_MALFORMED,     /* bytes that are no script or no Data */
  CAL_UNAVAILABLE,   /* well-formed, but not in this language and protocol version */
  CAL_FAILED,        /* the program failed: error term, failing builtin, ill-typed step */
  CAL_OVER_BUDGET,   /* CPU or memory units ran out */
  CAL_OUT_OF_MEMORY, /* the cap on bytes was reached, or the system refused more */
  CAL_UNSUPPORTED    /* correct on chain, but this build has no implementation or price */
} cal_status;

enum { CAL_ERROR_TEXT = 192 };

typedef struct cal_error {
  size_t offset; /* byte in the input, for CAL_MALFORMED; otherwise 0 */
  char text[CAL_ERROR_TEXT];
} cal_error;

/* Sets the text (printf style, truncated) and returns `status`, so that a
 * failure reads `return cal_fail(error, CAL_MALFORMED, "...")`. `error` may be
 * NULL where the reason is of no interest. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
cal_status
cal_fail(cal_error *error, cal_status status, const char *format, ...);

#if defined(__GNUC__)
#define CAL_LIKELY(x) __builtin_expect(!!(x), 1)
#define CAL_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CAL_COLD __attribute__((noinline, cold)) /* kept out of the way of what is not */
#else
#define CAL_LIKELY(x) (x)
#define CAL_UNLIKELY(x) (x)
#define CAL_COLD
#endif

#endif
