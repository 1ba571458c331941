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
  uint8_t own_frames;
  uint32_t max_fields;
  uint32_t max_type_size;
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

typedef enum cal_shape {
  CAL_SHAPE_ABSENT,
  CAL_SHAPE_CONSTANT_COST,
  CAL_SHAPE_LINEAR_IN_X,
  CAL_SHAPE_LINEAR_IN_Y,
  CAL_SHAPE_LINEAR_IN_Z,
  CAL_SHAPE_LINEAR_IN_U,
  CAL_SHAPE_QUADRATIC_IN_X,
  CAL_SHAPE_QUADRATIC_IN_Y,
  CAL_SHAPE_QUADRATIC_IN_Z,
  CAL_SHAPE_LINEAR_IN_X_AND_Y,
  CAL_SHAPE_LINEAR_IN_Y_AND_Z,
  CAL_SHAPE_ADDED_SIZES,
  CAL_SHAPE_MULTIPLIED_SIZES,
  CAL_SHAPE_MIN_SIZE,
  CAL_SHAPE_MAX_SIZE,
  CAL_SHAPE_SUBTRACTED_SIZES,
  CAL_SHAPE_LINEAR_IN_Y2,
  CAL_SHAPE_LINEAR_ON_DIAGONAL,
  CAL_SHAPE_QUADRATIC_IN_X_AND_Y,
  CAL_SHAPE_QUADRATIC_IN_Y_AND_Z,
  CAL_SHAPE_WITH_INTERACTION_IN_X_AND_Y,
  CAL_SHAPE_LINEAR_IN_MAX_YZ,
  CAL_SHAPE_LITERAL_IN_Y_OR_LINEAR_IN_Z,
  CAL_SHAPE_EXP_MOD_COST,
  CAL_SHAPE_CONST_OFF_DIAGONAL,
  CAL_SHAPE_CONST_ABOVE_DIAGONAL,
  CAL_SHAPE_CONST_BELOW_DIAGONAL,
  CAL_SHAPE_ABOVE_AND_BELOW_DIAGONAL,
  ...
} cal_shape;

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

typedef enum cal_want {
  CAL_WANT_ANY,
  CAL_WANT_INTEGER,
  CAL_WANT_BYTES,
  CAL_WANT_TEXT,
  CAL_WANT_UNIT,
  CAL_WANT_BOOL,
  CAL_WANT_LIST,
  CAL_WANT_LIST_DATA,
  CAL_WANT_LIST_PAIR_DATA,
  CAL_WANT_LIST_INTEGER,
  CAL_WANT_LIST_BYTES,
  CAL_WANT_LIST_G1,
  CAL_WANT_LIST_G2,
  CAL_WANT_PAIR,
  CAL_WANT_DATA,
  CAL_WANT_G1,
  CAL_WANT_G2,
  CAL_WANT_ML_RESULT,
  CAL_WANT_ARRAY,
  CAL_WANT_MULTI_ASSET,
  ...
} cal_want;

typedef enum cal_measure {
  CAL_MEASURE_DEFAULT,
  CAL_MEASURE_TEXT,
  CAL_MEASURE_BYTES_AS_WORDS,
  CAL_MEASURE_LITERAL,
  CAL_MEASURE_SHIFT,
  CAL_MEASURE_DEPTH,
  CAL_MEASURE_POLICIES,
  CAL_MEASURE_OUTER_DEPTH,
  CAL_MEASURE_NODES,
  ...
} cal_measure;

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

cal_machine *cal_machine_new(const int64_t *packed, size_t length, cal_variant variant,
                             size_t memory_cap, cal_error *error);
void cal_machine_free(cal_machine *machine);
cal_status cal_machine_run(cal_machine *machine, const cal_script *script, cal_ex_units budget,
                           cal_outcome *outcome, cal_error *error);
typedef struct cal_features {
  uint64_t footprint;
  uint64_t frames_walked;
  uint64_t frames_out;
  uint64_t far_variables;
  uint64_t lets;
  uint64_t forced_delays;
  uint64_t constant_cases;
  uint64_t fields_applied;
  uint64_t continuations_pushed;
  uint64_t bytes_allocated;
  uint64_t bytes_uncached;
  uint64_t partial_calls;
  uint64_t calls[7][3];
  double mispredictions;
  double mispredicted_operands;
} cal_features;

cal_status cal_machine_run_counting(cal_machine *machine, const cal_script *script,
                                    cal_ex_units budget, cal_outcome *outcome,
                                    cal_features *features, cal_error *error);
double cal_mispredictions(const uint8_t *targets, size_t count);

typedef struct cal_usage_row {
  int64_t sizes[6];
  uint64_t count;
  uint64_t tag;
} cal_usage_row;

typedef struct cal_usage {
  cal_usage_row *rows;
  size_t count;
  uint64_t unpaid[...];
  ...;
} cal_usage;

cal_usage *cal_usage_new(void);
void cal_usage_free(cal_usage *usage);
cal_status cal_machine_run_usage(cal_machine *machine, const cal_script *script,
                                 cal_ex_units budget, cal_usage *usage, cal_outcome *outcome,
                                 cal_error *error);
void cal_machine_release(cal_machine *machine);
const cal_log *cal_machine_log(const cal_machine *machine);
cal_status cal_machine_write_result(cal_machine *machine, const cal_outcome *outcome,
                                    const uint64_t version[3], size_t most, const uint8_t **bytes,
                                    size_t *length, cal_error *error);

int64_t cal_cost(const int64_t *row, const int64_t *sizes);

size_t cal_machine_used(const cal_machine *machine);
size_t cal_gmp_overruns(void);

size_t cal_decimal_limbs(size_t digits);
size_t cal_decimal_digits(size_t limbs);
cal_status cal_decimal_parse(uint8_t *digits, size_t length, uint64_t *limbs);
cal_status cal_decimal_print(uint64_t *limbs, size_t count, uint8_t *digits, size_t *length);
