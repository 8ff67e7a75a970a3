// The few functions of OpenSSL's EVP interface that this folder calls, as pointers that are found
// at run time. Nothing links libcrypto: Node brings its own copy, other hosts have the system's,
// and an addon bound to one of them would not load in the other.
//
// The prototypes are those OpenSSL publishes (evp(7), the same since 1.1.1) and are declared here
// rather than included, so that neither a user's build nor the tests need OpenSSL's headers, whose
// version would not have to be the loaded library's anyway. The known-answer tests of
// known_answers.cc run before any other use and would not pass with one that is wrong.
// Thread: any (constant once loaded). Data path: aead_datapath.cc calls through it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/status.h"

// Opaque, named as the library names them.
struct evp_cipher_ctx_st;
struct evp_cipher_st;
struct evp_md_ctx_st;
struct evp_md_st;
struct evp_pkey_st;
struct evp_pkey_ctx_st;
struct engine_st;

namespace hyperroute::crypto {

// EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG and EVP_PKEY_X25519.
inline constexpr int kEvpGetTag = 0x10;
inline constexpr int kEvpSetTag = 0x11;
inline constexpr int kEvpX25519 = 1034;

// What an object of one library is may be given to functions of the same library only: a struct
// holds one library's pointers, and every object keeps the struct it was made through.
struct Evp {
  using Byte = unsigned char;

  evp_cipher_ctx_st* (*cipher_ctx_new)();
  void (*cipher_ctx_free)(evp_cipher_ctx_st*);
  const evp_cipher_st* (*aes_256_gcm)();
  const evp_cipher_st* (*chacha20_poly1305)();
  int (*encrypt_init)(evp_cipher_ctx_st*, const evp_cipher_st*, engine_st*, const Byte* key,
                      const Byte* iv);
  int (*encrypt_update)(evp_cipher_ctx_st*, Byte* out, int* out_bytes, const Byte* in, int bytes);
  int (*encrypt_final)(evp_cipher_ctx_st*, Byte* out, int* out_bytes);
  int (*decrypt_init)(evp_cipher_ctx_st*, const evp_cipher_st*, engine_st*, const Byte* key,
                      const Byte* iv);
  int (*decrypt_update)(evp_cipher_ctx_st*, Byte* out, int* out_bytes, const Byte* in, int bytes);
  int (*decrypt_final)(evp_cipher_ctx_st*, Byte* out, int* out_bytes);
  int (*cipher_ctx_ctrl)(evp_cipher_ctx_st*, int type, int argument, void* pointer);

  evp_md_ctx_st* (*md_ctx_new)();
  void (*md_ctx_free)(evp_md_ctx_st*);
  const evp_md_st* (*sha256)();
  int (*digest_init)(evp_md_ctx_st*, const evp_md_st*, engine_st*);
  int (*digest_update)(evp_md_ctx_st*, const void* data, size_t bytes);
  int (*digest_final)(evp_md_ctx_st*, Byte* digest, unsigned* digest_bytes);

  evp_pkey_st* (*pkey_new_private)(int type, engine_st*, const Byte* key, size_t key_bytes);
  evp_pkey_st* (*pkey_new_public)(int type, engine_st*, const Byte* key, size_t key_bytes);
  int (*pkey_get_public)(const evp_pkey_st*, Byte* key, size_t* key_bytes);
  void (*pkey_free)(evp_pkey_st*);
  evp_pkey_ctx_st* (*pkey_ctx_new)(evp_pkey_st*, engine_st*);
  void (*pkey_ctx_free)(evp_pkey_ctx_st*);
  int (*derive_init)(evp_pkey_ctx_st*);
  int (*derive_set_peer)(evp_pkey_ctx_st*, evp_pkey_st* peer);
  int (*derive)(evp_pkey_ctx_st*, Byte* secret, size_t* secret_bytes);

  // A failed call leaves entries in the thread's queue of errors, where the host's own use of the
  // same library would find them: whoever gets a failure clears them.
  void (*clear_errors)();
};

// A place to look in: an object of dlopen or RTLD_DEFAULT, and its name for a person.
struct EvpSource {
  void* handle;
  const char* name;
};

// Finds every function in one source. kCryptoUnavailable names the first that is missing, or that
// comes from another object than the rest: mixed libraries share no structures.
Result<Evp> resolve_evp(const EvpSource& source) noexcept;

// Computes published examples of everything that is used; the error names the first that differs.
Status check_known_answers(const Evp& evp) noexcept;

// Whether AES-256-GCM as it is computed here (aes_gcm.h) gives the published examples and, for
// larger packets, what `evp` gives, which has passed the check above. False also without the
// CPU's instructions. Where it is false the library computes it: slower, and right.
[[nodiscard]] bool is_own_aes_gcm_right(const Evp& evp) noexcept;

// The functions of the library that load() chose; null before it succeeded.
[[nodiscard]] const Evp* loaded_evp() noexcept;
// What is_own_aes_gcm_right() said of that library when it was loaded; false before.
[[nodiscard]] bool uses_own_aes_gcm() noexcept;

// Frees an object with the library that made it.
template <typename Object>
struct EvpFree {
  void (*free)(Object*) = nullptr;
  void operator()(Object* object) const noexcept { free(object); }
};
template <typename Object>
using EvpOwned = std::unique_ptr<Object, EvpFree<Object>>;

}  // namespace hyperroute::crypto
