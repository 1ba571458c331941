#include "codec/assets.h"

#include <string.h>

#include "builtins/assets.h"

static cal_status malformed(const cal_reader *reader, const char *what, cal_error *error) {
  if (error != NULL) {
    error->offset = reader->position / 8;
  }
  return cal_fail(error, CAL_MALFORMED, "a value with %s at byte %zu", what, reader->position / 8);
}

static cal_status exhausted(cal_error *error) {
  return cal_fail(error, CAL_OUT_OF_MEMORY, "a value needs more memory than allowed");
}

static cal_status read_key(cal_reader *reader, cal_arena *arena, cal_asset *entry,
                           cal_error *error) {
  const uint8_t *data = NULL;
  size_t length = 0;
  cal_value key = 0;
  if (cal_read_bytes(reader, arena, &data, &length) == 0 && !reader->failed) {
    key = cal_make_bytes(arena, CAL_BYTES, data, length);
  }
  if (reader->failed) {
    return malformed(reader, "an identifier that does not end", error);
  }
  *entry = (cal_asset){.key = CAL_AS(cal_bytes, key)};
  return key == 0 ? exhausted(error) : CAL_OK;
}

/* Reads what stands beside a key. Out: the entry's quantity or tokens. */
typedef cal_status (*item_reader)(cal_reader *reader, cal_arena *arena, cal_asset *entry,
                                  cal_error *error);

static cal_status read_quantity(cal_reader *reader, cal_arena *arena, cal_asset *entry,
                                cal_error *error) {
  entry->quantity = cal_read_integer(reader, arena);
  if (reader->failed) {
    return malformed(reader, "a quantity that does not end", error);
  }
  return entry->quantity == 0 ? exhausted(error) : CAL_OK;
}

/* Puts the entries read into the arena, as a tree. Out: *tree. */
static cal_status make_tree(cal_arena *arena, const cal_stack *entries, const cal_asset **tree,
                            cal_error *error) {
  cal_asset *copy = cal_alloc(arena, entries->used);
  if (copy == NULL) {
    return exhausted(error);
  }
  if (entries->used != 0) {
    memcpy(copy, entries->base, entries->used);
  }
  *tree = cal_asset_tree(copy, entries->used / sizeof *copy);
  return CAL_OK;
}

/* Reads entries up to the end of their list onto a stack. */
static cal_status read_entries(cal_reader *reader, cal_arena *arena, item_reader read_item,
                               cal_stack *entries, cal_error *error) {
  while (cal_read_bits(reader, 1) == 1) {
    cal_asset entry;
    cal_status status = read_key(reader, arena, &entry, error);
    if (status == CAL_OK) {
      status = read_item(reader, arena, &entry, error);
    }
    if (status != CAL_OK) {
      return status;
    }
    const cal_asset *previous =
        entries->used == 0
            ? NULL
            : (const cal_asset *)(const void *)(entries->base + entries->used - sizeof entry);
    const char *problem = cal_asset_problem(previous, &entry);
    if (problem != NULL) {
      return malformed(reader, problem, error);
    }
    cal_asset *next = cal_stack_push(entries, sizeof *next);
    if (next == NULL) {
      return exhausted(error);
    }
    *next = entry;
  }
  return reader->failed ? malformed(reader, "a list that does not end", error) : CAL_OK;
}

/* Out: *tree, NULL if the list is empty. */
static cal_status read_list(cal_reader *reader, cal_arena *arena, item_reader read_item,
                            const cal_asset **tree, cal_error *error) {
  cal_stack entries;
  cal_stack_init(&entries, arena);
  cal_status status = read_entries(reader, arena, read_item, &entries, error);
  if (status == CAL_OK) {
    status = make_tree(arena, &entries, tree, error);
  }
  cal_stack_release(&entries);
  return status;
}

static cal_status read_tokens(cal_reader *reader, cal_arena *arena, cal_asset *entry,
                              cal_error *error) {
  return read_list(reader, arena, read_quantity, &entry->tokens, error);
}

cal_status cal_read_assets(cal_reader *reader, cal_arena *arena, cal_value *value,
                           cal_error *error) {
  const cal_asset *currencies = NULL;
  const cal_status status = read_list(reader, arena, read_tokens, &currencies, error);
  if (status != CAL_OK) {
    return status;
  }
  *value = cal_make_assets(arena, currencies);
  return *value == 0 ? exhausted(error) : CAL_OK;
}

static void write_key(cal_writer *writer, const cal_asset *entry) {
  cal_write_bits(writer, 1, 1);
  cal_write_bytes(writer, entry->key->data, entry->key->length);
}

static bool write_tokens(cal_writer *writer, cal_arena *arena, const cal_asset *tokens) {
  size_t count = 0;
  const cal_asset **entries = cal_asset_entries(arena, tokens, &count);
  if (entries == NULL) {
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    write_key(writer, entries[i]);
    cal_write_integer(writer, entries[i]->quantity);
  }
  cal_write_bits(writer, 0, 1);
  return true;
}

bool cal_write_assets(cal_writer *writer, cal_arena *arena, cal_value value) {
  size_t count = 0;
  const cal_asset **entries = cal_asset_entries(arena, cal_currencies(value), &count);
  if (entries == NULL) {
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    write_key(writer, entries[i]);
    if (!write_tokens(writer, arena, entries[i]->tokens)) {
      return false;
    }
  }
  cal_write_bits(writer, 0, 1);
  return true;
}
