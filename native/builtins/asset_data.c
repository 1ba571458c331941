/* The built-in Value as Data and back: CIP-0153. As Data it is a map from
 * currencies to maps from tokens to quantities. */
#include "builtins/assets.h"
#include "builtins/families.h"

enum { MOST_ENTRIES = 40000 };

/* One entry of a map in front of the others. 0 where any part is, or the arena
 * is exhausted. */
static cal_value prepend(cal_arena *arena, const cal_bytes *key, cal_value item, cal_value list) {
  const cal_value name =
      cal_make_data(arena, CAL_DATA_BYTES, cal_from_small(0), cal_from_object(key));
  if (name == 0 || item == 0 || list == 0) {
    return 0;
  }
  const cal_value pair = cal_make_pair(arena, &cal_type_pair_data, name, item);
  return pair == 0 ? 0 : cal_make_cell(arena, &cal_type_pair_data, pair, CAL_AS(cal_list, list));
}

static cal_value make_map(cal_arena *arena, cal_value list) {
  return list == 0 ? 0 : cal_make_data(arena, CAL_DATA_MAP, cal_from_small(0), list);
}

static cal_value tokens_to_data(const cal_call *call, const cal_asset *tokens) {
  cal_arena *arena = call->arena;
  size_t count = 0;
  const cal_asset **entries = cal_asset_entries(call->scratch, tokens, &count);
  cal_value list = entries == NULL ? 0 : cal_make_nil(arena, &cal_type_pair_data);
  while (list != 0 && count > 0) {
    const cal_asset *token = entries[--count];
    list =
        prepend(arena, token->key,
                cal_make_data(arena, CAL_DATA_INTEGER, cal_from_small(0), token->quantity), list);
  }
  return make_map(arena, list);
}

cal_status cal_valueData(const cal_call *call, const cal_value *a, cal_value *result) {
  if (cal_assets_tally(a[0]).entries > MOST_ENTRIES) {
    return cal_fail(call->error, CAL_FAILED, "builtin valueData: more than %d entries",
                    MOST_ENTRIES);
  }
  cal_begin_scratch(call);
  size_t count = 0;
  const cal_asset **entries = cal_asset_entries(call->scratch, cal_currencies(a[0]), &count);
  cal_value list = entries == NULL ? 0 : cal_make_nil(call->arena, &cal_type_pair_data);
  while (list != 0 && count > 0) {
    const cal_asset *currency = entries[--count];
    list = prepend(call->arena, currency->key, tokens_to_data(call, currency->tokens), list);
  }
  return cal_return(call, make_map(call->arena, list), result);
}

static cal_status refuse(const cal_call *call, const char *problem) {
  return cal_fail(call->error, CAL_FAILED, "builtin unValueData: %s", problem);
}

/* The payload of Data of one form, or 0 where it is of another. */
static cal_value payload_of(cal_value data, cal_data_kind form) {
  return CAL_AS(cal_data, data)->head.form == form ? CAL_AS(cal_data, data)->payload : 0;
}

/* Reads what stands beside a key. Out: the entry's quantity or tokens. */
typedef cal_status (*item_reader)(const cal_call *call, cal_value item, cal_asset *entry);

static cal_status read_quantity(const cal_call *call, cal_value item, cal_asset *entry) {
  entry->quantity = payload_of(item, CAL_DATA_INTEGER);
  return entry->quantity != 0 ? CAL_OK : refuse(call, "a quantity that is no integer");
}

/* Reads a map. Out: *tree, NULL if it is empty. */
static cal_status read_map(const cal_call *call, cal_value data, item_reader read_item,
                           const cal_asset **tree) {
  const cal_value payload = payload_of(data, CAL_DATA_MAP);
  if (payload == 0) {
    return refuse(call, "Data that is no map");
  }
  const cal_list *cell = CAL_AS(cal_list, payload);
  const size_t count = cal_list_length(cell);
  cal_asset *entries = cal_alloc_array(call->arena, count, sizeof *entries);
  if (entries == NULL) {
    return cal_exhausted(call);
  }
  for (size_t i = 0; i < count; i++, cell = cell->rest) {
    const cal_pair *pair = CAL_AS(cal_pair, cell->first);
    const cal_value key = payload_of(pair->first, CAL_DATA_BYTES);
    if (key == 0) {
      return refuse(call, "an identifier that is no byte string");
    }
    entries[i] = (cal_asset){.key = CAL_AS(cal_bytes, key)};
    const cal_status status = read_item(call, pair->second, &entries[i]);
    if (status != CAL_OK) {
      return status;
    }
    const char *problem = cal_asset_problem(i == 0 ? NULL : &entries[i - 1], &entries[i]);
    if (problem != NULL) {
      return refuse(call, problem);
    }
  }
  *tree = cal_asset_tree(entries, count);
  return CAL_OK;
}

static cal_status read_tokens(const cal_call *call, cal_value item, cal_asset *entry) {
  return read_map(call, item, read_quantity, &entry->tokens);
}

cal_status cal_unValueData(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_asset *currencies = NULL;
  const cal_status status = read_map(call, a[0], read_tokens, &currencies);
  return status != CAL_OK ? status
                          : cal_return(call, cal_make_assets(call->arena, currencies), result);
}
