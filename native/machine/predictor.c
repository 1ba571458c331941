#include "machine/predictor.h"

#include <string.h>

static const uint32_t lengths[CAL_PREDICTOR_TABLES] = {2, 6, 14, 32, 64};

enum { MOST = 3, INDEX_BITS = 8 };

_Static_assert(1 << INDEX_BITS == CAL_PREDICTOR_ENTRIES, "an index has as many bits as it needs");

/* Hashes are polynomials in this, so the target that leaves a history of n comes
 * off with the n-th power. It is odd: powers do not vanish. */
#define BASE UINT64_C(0x9e3779b97f4a7c15)

void cal_predictor_begin(cal_predictor *predictor, uint64_t salt, int tables) {
  memset(predictor, 0, sizeof *predictor);
  predictor->salt = salt * BASE;
  predictor->tables_used = tables;
  for (size_t i = 0; i < CAL_PREDICTOR_TABLES; i++) {
    predictor->leaving[i] = 1;
    for (uint32_t factor = 0; factor < lengths[i]; factor++) {
      predictor->leaving[i] *= BASE;
    }
  }
}

static void remember(cal_predictor *predictor, uint8_t target) {
  for (size_t i = 0; i < CAL_PREDICTOR_TABLES; i++) {
    const uint8_t oldest = predictor->recent[(predictor->at - lengths[i]) % CAL_PREDICTOR_HISTORY];
    predictor->hashes[i] = predictor->hashes[i] * BASE + target - oldest * predictor->leaving[i];
  }
  predictor->recent[predictor->at % CAL_PREDICTOR_HISTORY] = target;
  predictor->at++;
}

/* Bits are mixed, so that low ones depend on all (the finaliser of SplitMix64). */
static uint64_t mixed(uint64_t hash, cal_site site) {
  hash ^= (uint64_t)(site + 1) * UINT64_C(0xbf58476d1ce4e5b9);
  hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
  return hash ^ hash >> 31;
}

static void learn(cal_prediction *entry, uint8_t target) {
  if (entry->target == target) {
    entry->confidence = (uint8_t)(entry->confidence < MOST ? entry->confidence + 1 : MOST);
  } else if (entry->confidence > 0) {
    entry->confidence--;
  } else {
    entry->target = target;
  }
}

void cal_predictor_see(cal_predictor *predictor, cal_site site, unsigned target) {
  cal_prediction *entries[CAL_PREDICTOR_TABLES];
  uint16_t tags[CAL_PREDICTOR_TABLES];
  const uint8_t seen =
      (uint8_t)(target + 1); /* so that no target is 0, which is that of an empty entry */
  int first = -1;            /* the table with the longest history that knows the place */
  int second = -1;           /* and the next */
  for (int i = predictor->tables_used - 1; i >= 0; i--) {
    const uint64_t hash = mixed(predictor->hashes[i] ^ predictor->salt, site);
    entries[i] = &predictor->tables[i][hash % CAL_PREDICTOR_ENTRIES];
    tags[i] = (uint16_t)(hash >> INDEX_BITS | 1);
    if (entries[i]->tag == tags[i]) {
      if (first < 0) {
        first = i;
      } else if (second < 0) {
        second = i;
      }
    }
  }
  cal_prediction *base = &predictor->base[site];
  cal_prediction *other = second >= 0 ? entries[second] : base;
  cal_prediction *chosen = first >= 0 ? entries[first] : base;
  /* What is new and has never been right is believed less than what it came after. */
  const cal_prediction *believed = first >= 0 && chosen->confidence == 0 ? other : chosen;
  const bool missed = believed->target != seen;
  predictor->misses[site] += missed;
  if (first >= 0 && chosen->target != other->target) {
    if (chosen->target == seen) {
      chosen->useful = (uint8_t)(chosen->useful < MOST ? chosen->useful + 1 : MOST);
    } else if (chosen->useful > 0) {
      chosen->useful--;
    }
  }
  learn(chosen, seen);
  if (missed) {
    /* A longer history may tell: the next table that has a place free takes it up. */
    int i = first + 1;
    while (i < predictor->tables_used && entries[i]->useful > 0) {
      entries[i]->useful--;
      i++;
    }
    if (i < predictor->tables_used) {
      *entries[i] = (cal_prediction){.tag = tags[i], .target = seen};
    }
  }
  remember(predictor, seen);
}
