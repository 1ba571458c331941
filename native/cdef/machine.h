typedef uintptr_t cal_value;

typedef enum cal_status {
  CAL_OK,
  CAL_MALFORMED,
  CAL_UNAVAILABLE,
  CAL_FAILED,
  CAL_OVER_BUDGET,
  CAL_OUT_OF_MEMORY,
  CAL_UNSUPPORTED,
  ...
} cal_status;

typedef struct cal_error {
  size_t offset;
  char text[...];
} cal_error;

typedef struct cal_ex_units {
  int64_t cpu;
  int64_t mem;
} cal_ex_units;

typedef struct cal_decode_options {
  uint8_t builtins[128];
  uint8_t version_1_1;
  uint8_t group_elements;
  size_t memory_cap;
} cal_decode_options;

typedef struct cal_script {
  uint64_t version[3];
  size_t nodes;
  ...;
} cal_script;

typedef struct cal_bytes {
  size_t length;
  const uint8_t *data;
  ...;
} cal_bytes;

typedef struct cal_log {
  cal_value lines[...];
  size_t count;
  size_t dropped;
  ...;
} cal_log;

#define CAL_STEPS ...
#define CAL_BUILTINS ...
#define CAL_BUILTIN_ROWS ...
#define CAL_PACK_LENGTH ...
#define CAL_SHAPES ...

typedef struct cal_outcome {
  cal_status status;
  cal_value result;
  cal_ex_units spent;
  uint64_t steps[...];
  uint64_t builtins[...];
  ...;
} cal_outcome;

typedef struct cal_machine cal_machine;

typedef enum cal_variant { CAL_VARIANT_A, CAL_VARIANT_B, CAL_VARIANT_C, CAL_VARIANT_D, CAL_VARIANT_E, ... } cal_variant;

typedef struct cal_builtin {
  const char *name;
  uint8_t arity;
  uint8_t forces;
  uint8_t wants[6];
  uint8_t measures[6];
  ...;
} cal_builtin;

extern const cal_builtin cal_builtins[...];

int cal_initialise(void);
const char *cal_build_compiler(void);
const char *cal_build_flags(void);
const char *cal_build_libraries(void);
const char *cal_build_blst(void);
const char *cal_build_source_sha256(void);

cal_status cal_script_decode(const uint8_t *bytes, size_t length, const cal_decode_options *options,
                             cal_script **script, cal_error *error);
void cal_script_free(cal_script *script);
cal_status cal_script_apply_data(cal_script *script, const uint8_t *cbor, size_t length,
                                 cal_error *error);
cal_status cal_script_apply_script(cal_script *script, const cal_script *argument,
                                   cal_error *error);

cal_machine *cal_machine_new(const int64_t *packed, size_t length, cal_variant variant,
                             size_t memory_cap, cal_error *error);
void cal_machine_free(cal_machine *machine);
cal_status cal_machine_run(cal_machine *machine, const cal_script *script, cal_ex_units budget,
                           cal_outcome *outcome, cal_error *error);
void cal_machine_release(cal_machine *machine);
const cal_log *cal_machine_log(const cal_machine *machine);
cal_status cal_machine_write_result(cal_machine *machine, const cal_outcome *outcome,
                                    const uint64_t version[3], size_t most, const uint8_t **bytes,
                                    size_t *length, cal_error *error);

int64_t cal_cost(const int64_t *row, const int64_t *sizes);
