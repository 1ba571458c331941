typedef enum { CAL_CLOCK_COUNTER, CAL_CLOCK_RAW, CAL_CLOCK_PERF } cal_clock;
typedef enum { CAL_PERF_CYCLES, CAL_PERF_TASK_CLOCK } cal_perf_event;

int cal_clock_perf_open(cal_perf_event event);

typedef struct {
  uint64_t ticks;
  uint64_t raw_ns;
  uint64_t window_ns;
} cal_clock_pair;

const char *cal_clock_counter(void);
cal_clock_pair cal_clock_read_pair(cal_clock clock);
void cal_clock_spin(cal_clock clock, uint64_t ticks, uint64_t gap, uint64_t *lost,
                    uint64_t *elapsed);

typedef struct {
  int schedstat;
} cal_scheduling;

cal_scheduling cal_scheduling_open(void);
void cal_scheduling_close(cal_scheduling *scheduling);

typedef enum {
  CAL_WORK_EVALUATE,
  CAL_WORK_START,
  CAL_WORK_PREPARE,
  CAL_WORK_CALL,
  CAL_WORK_SETUP,
  CAL_WORK_HASH
} cal_work_kind;

typedef struct {
  cal_ex_units spent;
  uint64_t nodes;
  uint64_t hash;
} cal_work_result;

typedef struct {
  cal_work_kind kind;
  cal_machine *machine;
  const cal_script *script;
  const uint8_t *flat;
  size_t flat_length;
  const cal_decode_options *options;
  const uint8_t *const *arguments;
  const size_t *argument_lengths;
  size_t argument_count;
  const int64_t *packed;
  size_t packed_length;
  cal_variant variant;
  cal_ex_units budget;
  cal_work_result expected;
} cal_work;

cal_status cal_work_once(const cal_work *work, cal_work_result *result, cal_error *error);

typedef struct {
  const cal_work *work;
  uint64_t warm_up;
  uint64_t iterations;
} cal_batch_order;

typedef struct {
  uint64_t ticks;
  uint64_t involuntary;
  uint64_t run_delay_ns;
  uint32_t cpu_begin;
  uint32_t cpu_end;
} cal_batch;

void cal_heap_settle(size_t offset);

cal_status cal_batches_time(cal_clock clock, const cal_scheduling *scheduling, const cal_batch_order *orders,
                            size_t count, cal_batch *batches, size_t *done, cal_error *error);

bool cal_counting_built(void);
bool cal_counting_start(void);
cal_status cal_batch_count(const cal_work *work, uint64_t iterations, const char *label,
                           cal_error *error);
