#include "inputs/keys.h"

#include <secp256k1.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>

int cal_sign_ed25519(const uint8_t secret[32], const uint8_t *message, size_t length,
                     uint8_t key[32], uint8_t signature[64]) {
  uint8_t pair[crypto_sign_SECRETKEYBYTES];
  if (crypto_sign_seed_keypair(key, pair, secret) != 0 ||
      crypto_sign_detached(signature, NULL, message, length, pair) != 0) {
    return -1;
  }
  return 0;
}

int cal_sign_ecdsa(const uint8_t secret[32], const uint8_t hash[32], uint8_t key[33],
                   uint8_t signature[64]) {
  secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  secp256k1_pubkey public_key;
  secp256k1_ecdsa_signature raw;
  size_t key_length = 33;
  int done = context != NULL && secp256k1_ec_pubkey_create(context, &public_key, secret) == 1 &&
             secp256k1_ecdsa_sign(context, &raw, hash, secret, NULL, NULL) == 1;
  if (done) {
    (void)secp256k1_ec_pubkey_serialize(context, key, &key_length, &public_key,
                                        SECP256K1_EC_COMPRESSED);
    (void)secp256k1_ecdsa_signature_serialize_compact(context, signature, &raw);
  }
  if (context != NULL) {
    secp256k1_context_destroy(context);
  }
  return done ? 0 : -1;
}

int cal_sign_schnorr(const uint8_t secret[32], const uint8_t *message, size_t length,
                     uint8_t key[32], uint8_t signature[64]) {
  secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  secp256k1_keypair pair;
  secp256k1_xonly_pubkey public_key;
  secp256k1_schnorrsig_extraparams extra = SECP256K1_SCHNORRSIG_EXTRAPARAMS_INIT;
  int done =
      context != NULL && secp256k1_keypair_create(context, &pair, secret) == 1 &&
      secp256k1_keypair_xonly_pub(context, &public_key, NULL, &pair) == 1 &&
      secp256k1_schnorrsig_sign_custom(context, signature, message, length, &pair, &extra) == 1;
  if (done) {
    (void)secp256k1_xonly_pubkey_serialize(context, key, &public_key);
  }
  if (context != NULL) {
    secp256k1_context_destroy(context);
  }
  return done ? 0 : -1;
}
