/* Hash functions, each from the library that the ledger's own node uses or, for
 * those that libsodium lacks, from nettle. */
#include <nettle/ripemd160.h>
#include <nettle/sha3.h>
#include <sodium.h>
#include <string.h>

#include "builtins/families.h"
#include "builtins/words.h"

static cal_status give(const cal_call *call, const uint8_t *digest, size_t length,
                       cal_value *result) {
  uint8_t *copy = cal_alloc(call->arena, length);
  if (copy == NULL) {
    return cal_exhausted(call);
  }
  memcpy(copy, digest, length);
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, copy, length), result);
}

cal_status cal_sha2_256(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  uint8_t digest[crypto_hash_sha256_BYTES];
  (void)crypto_hash_sha256(digest, input->data, input->length);
  return give(call, digest, sizeof digest, result);
}

cal_status cal_sha3_256(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  uint8_t digest[SHA3_256_DIGEST_SIZE];
  struct sha3_256_ctx context;
  sha3_256_init(&context);
  sha3_256_update(&context, input->length, input->data);
  sha3_256_digest(&context, sizeof digest, digest);
  return give(call, digest, sizeof digest, result);
}

static void absorb(struct sha3_state *state, const uint8_t *block, size_t rate) {
  for (size_t i = 0; i < rate / CAL_WORD; i++) {
    state->a[i] ^= cal_little_endian(cal_load(block + i * CAL_WORD));
  }
  sha3_permute(state);
}

/* Keccak as submitted: SHA-3 before the standard changed the padding's first
 * byte from 0x01 to 0x06. nettle has the permutation but not that padding. */
cal_status cal_keccak_256(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  enum { RATE = SHA3_256_BLOCK_SIZE };
  struct sha3_state state;
  memset(&state, 0, sizeof state);
  size_t at = 0;
  for (; input->length - at >= RATE; at += RATE) {
    absorb(&state, input->data + at, RATE);
  }
  uint8_t block[RATE] = {0};
  memcpy(block, input->data + at, input->length - at);
  block[input->length - at] ^= 0x01;
  block[RATE - 1] ^= 0x80;
  absorb(&state, block, RATE);
  uint8_t digest[SHA3_256_DIGEST_SIZE];
  for (size_t i = 0; i < sizeof digest; i++) {
    digest[i] = (uint8_t)(state.a[i / 8] >> (i % 8 * 8));
  }
  return give(call, digest, sizeof digest, result);
}

static cal_status blake2b(const cal_call *call, const cal_value *a, size_t length,
                          cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  uint8_t digest[32];
  (void)crypto_generichash_blake2b(digest, length, input->data, input->length, NULL, 0);
  return give(call, digest, length, result);
}

cal_status cal_blake2b_256(const cal_call *call, const cal_value *a, cal_value *result) {
  return blake2b(call, a, 32, result);
}

cal_status cal_blake2b_224(const cal_call *call, const cal_value *a, cal_value *result) {
  return blake2b(call, a, 28, result);
}

cal_status cal_ripemd_160(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  uint8_t digest[RIPEMD160_DIGEST_SIZE];
  struct ripemd160_ctx context;
  ripemd160_init(&context);
  ripemd160_update(&context, input->length, input->data);
  ripemd160_digest(&context, sizeof digest, digest);
  return give(call, digest, sizeof digest, result);
}
