/* Refuses memory at every place that asks for it:
 *
 *   allocations MOST FILE…
 *
 * Each file is a case: a program in flat and its arguments as CBOR Data, each
 * behind its length in four bytes, least first. A case is decoded, applied, run
 * and written back as it is, and then once more for each request for memory that
 * this took (of more than MOST, that many at equal distances), with that request
 * refused, alone and with all that follow it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"
#include "tracker.h"

enum { CAP = 16 * 1024 * 1024, MOST_ARGUMENTS = 8 };

static const cal_ex_units budget = {2000000000, 20000000};

typedef struct part {
  const uint8_t *bytes;
  size_t length;
} part;

typedef struct test_case {
  uint8_t *content;
  part program;
  part arguments[MOST_ARGUMENTS];
  size_t argument_count;
} test_case;

static cal_status run(const cal_script *script, cal_error *error) {
  cal_machine *machine = cal_target_machine(CAL_VARIANT_E, CAP);
  if (machine == NULL) {
    return CAL_OUT_OF_MEMORY;
  }
  cal_outcome outcome;
  cal_status status = cal_machine_run(machine, script, budget, &outcome, error);
  if (status == CAL_OK) {
    const uint8_t *bytes = NULL;
    size_t length = 0;
    status =
        cal_machine_write_result(machine, &outcome, script->version, CAP, &bytes, &length, error);
  }
  cal_machine_free(machine);
  return status;
}

/* The whole way of a case, with request number `refused` refused. Out: how many
 * requests there were. */
static cal_status whole_way(const test_case *it, uint64_t refused, bool lasting, uint64_t *requests,
                            cal_error *error) {
  const cal_decode_options options = cal_target_options(CAP);
  cal_script *script = NULL;
  cal_track_begin();
  cal_track_refuse(refused, lasting);
  cal_status status =
      cal_script_decode(it->program.bytes, it->program.length, &options, &script, error);
  for (size_t i = 0; i < it->argument_count && status == CAL_OK; i++) {
    status = cal_script_apply_data(script, it->arguments[i].bytes, it->arguments[i].length, error);
  }
  if (status == CAL_OK) {
    status = run(script, error);
  }
  cal_script_free(script);
  cal_arena_drop_spares();
  const cal_tracked seen = cal_track_end();
  CAL_CHECK(seen.held == 0);
  *requests = seen.allocations;
  return status;
}

/* A case that fails by itself may do so before memory is refused to what it
 * does afterwards. */
static void expect_refused(cal_status status, cal_status otherwise, const cal_error *error) {
  const unsigned failure = 1U << otherwise & ~(1U << CAL_OK);
  cal_target_expect(status, failure | 1U << CAL_OUT_OF_MEMORY, error);
}

static uint64_t refuse_each(const test_case *it, uint64_t most) {
  cal_error error = {0};
  uint64_t requests = 0;
  const cal_status expected = whole_way(it, 0, false, &requests, &error);
  const uint64_t stride = requests / most + 1;
  uint64_t refused = 0;
  for (uint64_t nth = 1; nth <= requests; nth += stride) {
    uint64_t reached = 0;
    expect_refused(whole_way(it, nth, false, &reached, &error), expected, &error);
    CAL_CHECK(reached >= nth);
    expect_refused(whole_way(it, nth, true, &reached, &error), expected, &error);
    refused++;
  }
  /* Nothing of it lasts. */
  uint64_t again = 0;
  CAL_CHECK(whole_way(it, 0, false, &again, &error) == expected && again == requests);
  return refused;
}

static void read_case(const char *path, test_case *it) {
  FILE *file = fopen(path, "rb");
  CAL_CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  const long length = ftell(file);
  CAL_CHECK(length > 0 && fseek(file, 0, SEEK_SET) == 0);
  it->content = malloc((size_t)length);
  CAL_CHECK(it->content != NULL && fread(it->content, 1, (size_t)length, file) == (size_t)length);
  (void)fclose(file);
  size_t at = 0;
  for (size_t number = 0; at < (size_t)length; number++) {
    CAL_CHECK(number <= MOST_ARGUMENTS && (size_t)length - at >= 4);
    size_t size = 0;
    for (size_t i = 0; i < 4; i++) {
      size |= (size_t)it->content[at + i] << (8 * i);
    }
    at += 4;
    CAL_CHECK((size_t)length - at >= size);
    const part found = {it->content + at, size};
    if (number == 0) {
      it->program = found;
    } else {
      it->arguments[it->argument_count++] = found;
    }
    at += size;
  }
}

int main(int argc, char **argv) {
  CAL_CHECK(argc > 2);
  const uint64_t most = strtoull(argv[1], NULL, 10);
  uint64_t refused = 0;
  cal_target_begin(); /* prepares the libraries */
  cal_target_end(0);
  for (int i = 2; i < argc; i++) {
    test_case it = {.content = NULL};
    read_case(argv[i], &it);
    refused += refuse_each(&it, most);
    free(it.content);
  }
  (void)printf("refused %llu allocations in %d programs\n", (unsigned long long)refused, argc - 2);
  return 0;
}
