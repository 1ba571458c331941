/* The built-in type Value: quantities by currency and token, as CIP-0153 has it.
 *
 * Two levels of persistent AVL trees, ordered by key: insertCoin and lookupCoin
 * then take as long as their costs say, by the depth of the trees, and no value
 * is ever changed. What recurses here does so along the height of such a tree,
 * which is below CAL_ASSET_HEIGHT whatever a program does.
 *
 * Invariant: keys of at most 32 bytes, no quantity 0 or beyond 128 bits, no
 * currency without tokens.
 */
#ifndef CAL_ASSETS_H
#define CAL_ASSETS_H

#include "machine/value.h"

enum { CAL_KEY_BYTES = 32, CAL_QUANTITY_BITS = 128, CAL_ASSET_HEIGHT = 48 };

/* Sums over a tree of currencies or, with `currencies` and `widest` void, of
 * tokens. */
typedef struct cal_tally {
  uint32_t currencies;
  uint32_t entries;   /* pairs of currency and token */
  uint32_t widest;    /* the most tokens that a currency has */
  uint32_t negatives; /* quantities below 0 */
} cal_tally;

typedef struct cal_asset {
  const cal_bytes *key;
  cal_value quantity;             /* of a token */
  const struct cal_asset *tokens; /* of a currency; NULL makes this a token */
  const struct cal_asset *left;
  const struct cal_asset *right;
  cal_tally tally; /* of this and all below */
  uint32_t height; /* 1 for a leaf */
} cal_asset;

/* CAL_MULTI_ASSET. */
typedef struct cal_assets {
  cal_object head;
  const cal_asset *currencies; /* NULL for none */
} cal_assets;

/* 0 where the arena is exhausted. */
cal_value cal_make_assets(cal_arena *arena, const cal_asset *currencies);

const cal_asset *cal_currencies(cal_value value);
cal_tally cal_assets_tally(cal_value value);

/* The entry with a key, or NULL. */
const cal_asset *cal_asset_find(const cal_asset *tree, const cal_bytes *key);

/* The same in a tree of currencies. Out: *rank, how many come before it. */
const cal_asset *cal_asset_ranked(const cal_asset *tree, const cal_bytes *key, size_t *rank);

/* A place in a tree, from its first entry on: the entry there at the end of the
 * path, before it those that follow it and have it in their left subtrees. */
typedef struct cal_asset_cursor {
  const cal_asset *path[CAL_ASSET_HEIGHT];
  size_t depth; /* 0 behind the last entry */
} cal_asset_cursor;

/* Places a cursor at the first entry of a tree. */
void cal_asset_begin(cal_asset_cursor *cursor, const cal_asset *tree);

/* The entry at the cursor, which moves on; NULL behind the last. */
const cal_asset *cal_asset_next(cal_asset_cursor *cursor);

/* The entry with a key, or NULL, among those from the cursor on, which moves
 * behind the key. Looking up keys in ascending order takes as long as their
 * distances are long, not as the tree is deep. */
const cal_asset *cal_asset_seek(cal_asset_cursor *cursor, const cal_bytes *key);

/* The tree with an entry put in, in place of one with the same key; of `entry`,
 * key, quantity and tokens matter. NULL where the arena is exhausted. */
const cal_asset *cal_asset_insert(cal_arena *arena, const cal_asset *tree, const cal_asset *entry);

/* The tree without a key that it has. Out: *rest, NULL if nothing is left. False
 * where the arena is exhausted. */
bool cal_asset_remove(cal_arena *arena, const cal_asset *tree, const cal_bytes *key,
                      const cal_asset **rest);

/* Makes a tree of entries in ascending order, in place. NULL if there are none. */
const cal_asset *cal_asset_tree(cal_asset *entries, size_t count);

/* The entries of a tree in ascending order, `count` of them, in the arena. NULL
 * where that is exhausted. */
const cal_asset **cal_asset_entries(cal_arena *arena, const cal_asset *tree, size_t *count);

/* What keeps an entry from following another (NULL for none), or NULL if nothing
 * does: the invariant and strictly ascending keys. */
const char *cal_asset_problem(const cal_asset *previous, const cal_asset *entry);

#endif
