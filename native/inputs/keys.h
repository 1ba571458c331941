/* Keys and signatures to measure with: checking a signature is timed on valid
 * ones, each different, and those have to be made. Deterministic: the same
 * secret and message give the same signature. No secret here guards anything. */
#ifndef CAL_KEYS_H
#define CAL_KEYS_H

#include <stddef.h>
#include <stdint.h>

/* Each returns 0, or -1 where the 32 bytes are no secret of the scheme or the
 * library fails. Out: the public key and the signature as the builtins take
 * them. */
int cal_sign_ed25519(const uint8_t secret[32], const uint8_t *message, size_t length,
                     uint8_t key[32], uint8_t signature[64]);
int cal_sign_ecdsa(const uint8_t secret[32], const uint8_t hash[32], uint8_t key[33],
                   uint8_t signature[64]);
int cal_sign_schnorr(const uint8_t secret[32], const uint8_t *message, size_t length,
                     uint8_t key[32], uint8_t signature[64]);

#endif
