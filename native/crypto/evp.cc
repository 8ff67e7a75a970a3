// Finding the functions of a library of cryptography, and choosing the library. Set-up only.
#include "crypto/evp.h"

#include <dlfcn.h>

#include <atomic>

#include "crypto/crypto.h"

namespace hyperroute::crypto {
namespace {

constexpr const char* kLibraryFile = "libcrypto.so.3";

// Takes functions out of one source, and remembers the first thing that was wrong.
class Lookup {
 public:
  explicit Lookup(const EvpSource& source) noexcept : source_(source) {}

  template <typename Function>
  void find(Function*& function, const char* symbol) noexcept {
    if (!status_.ok()) return;
    void* const address = dlsym(source_.handle, symbol);
    Dl_info info{};
    if (address == nullptr || dladdr(address, &info) == 0) {
      status_ = Status::error(StatusCode::kCryptoUnavailable, "%s: no %s", source_.name, symbol);
      return;
    }
    if (object_ == nullptr) object_ = info.dli_fbase;
    if (object_ != info.dli_fbase) {
      status_ = Status::error(StatusCode::kCryptoUnavailable, "%s: %s is another library's",
                              source_.name, symbol);
      return;
    }
    function = reinterpret_cast<Function*>(address);
  }

  const Status& status() const noexcept { return status_; }

 private:
  const EvpSource& source_;
  const void* object_ = nullptr;
  Status status_;
};

struct Loaded {
  Evp evp{};
  const char* name = "none";
  bool uses_own_aes_gcm = false;
  Status status;
};

// Published by the one who loads, read by everybody: null until there is a library that passed.
std::atomic<const Loaded*> loaded{nullptr};

bool try_source(const EvpSource& source, Loaded& into, Status& why_not) noexcept {
  const Result<Evp> found = resolve_evp(source);
  why_not = found.status();
  if (!found.ok()) return false;
  const Status answers = check_known_answers(found.value());
  if (!answers.ok()) {
    why_not = Status::error(StatusCode::kCryptoUnavailable, "%s: %s", source.name, answers.context);
    return false;
  }
  into.evp = found.value();
  into.name = source.name;
  into.uses_own_aes_gcm = is_own_aes_gcm_right(into.evp);
  return true;
}

const Loaded& load_once() noexcept {
  static const Loaded result = [] {
    Loaded made;
    Status of_process;
    if (try_source({RTLD_DEFAULT, "the process"}, made, of_process)) return made;
    // Never closed: its contexts live as long as the process does.
    void* const handle = dlopen(kLibraryFile, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      // Not thread-safe by the standard; glibc keeps the text for each thread.
      const char* const reason = dlerror();
      made.status = Status::error(StatusCode::kCryptoUnavailable, "%.80s; %.110s",
                                  of_process.context, reason == nullptr ? "?" : reason);
      return made;
    }
    Status of_file;
    if (!try_source({handle, kLibraryFile}, made, of_file)) {
      made.status = Status::error(StatusCode::kCryptoUnavailable, "%.80s; %.110s",
                                  of_process.context, of_file.context);
    }
    return made;
  }();
  return result;
}

}  // namespace

Result<Evp> resolve_evp(const EvpSource& source) noexcept {
  Evp evp{};
  Lookup lookup(source);
  lookup.find(evp.cipher_ctx_new, "EVP_CIPHER_CTX_new");
  lookup.find(evp.cipher_ctx_free, "EVP_CIPHER_CTX_free");
  lookup.find(evp.aes_256_gcm, "EVP_aes_256_gcm");
  lookup.find(evp.chacha20_poly1305, "EVP_chacha20_poly1305");
  lookup.find(evp.encrypt_init, "EVP_EncryptInit_ex");
  lookup.find(evp.encrypt_update, "EVP_EncryptUpdate");
  lookup.find(evp.encrypt_final, "EVP_EncryptFinal_ex");
  lookup.find(evp.decrypt_init, "EVP_DecryptInit_ex");
  lookup.find(evp.decrypt_update, "EVP_DecryptUpdate");
  lookup.find(evp.decrypt_final, "EVP_DecryptFinal_ex");
  lookup.find(evp.cipher_ctx_ctrl, "EVP_CIPHER_CTX_ctrl");
  lookup.find(evp.md_ctx_new, "EVP_MD_CTX_new");
  lookup.find(evp.md_ctx_free, "EVP_MD_CTX_free");
  lookup.find(evp.sha256, "EVP_sha256");
  lookup.find(evp.digest_init, "EVP_DigestInit_ex");
  lookup.find(evp.digest_update, "EVP_DigestUpdate");
  lookup.find(evp.digest_final, "EVP_DigestFinal_ex");
  lookup.find(evp.pkey_new_private, "EVP_PKEY_new_raw_private_key");
  lookup.find(evp.pkey_new_public, "EVP_PKEY_new_raw_public_key");
  lookup.find(evp.pkey_get_public, "EVP_PKEY_get_raw_public_key");
  lookup.find(evp.pkey_free, "EVP_PKEY_free");
  lookup.find(evp.pkey_ctx_new, "EVP_PKEY_CTX_new");
  lookup.find(evp.pkey_ctx_free, "EVP_PKEY_CTX_free");
  lookup.find(evp.derive_init, "EVP_PKEY_derive_init");
  lookup.find(evp.derive_set_peer, "EVP_PKEY_derive_set_peer");
  lookup.find(evp.derive, "EVP_PKEY_derive");
  lookup.find(evp.clear_errors, "ERR_clear_error");
  if (!lookup.status().ok()) return lookup.status();
  return evp;
}

Status load() noexcept {
  const Loaded& result = load_once();
  // C1 release: publishes the functions; pairs with C2 in the functions below.
  if (result.status.ok()) loaded.store(&result, std::memory_order_release);
  return result.status;
}

const Evp* loaded_evp() noexcept {
  // C2 acquire: pairs with C1.
  const Loaded* const result = loaded.load(std::memory_order_acquire);
  return result == nullptr ? nullptr : &result->evp;
}

bool uses_own_aes_gcm() noexcept {
  // C2 acquire: pairs with C1.
  const Loaded* const result = loaded.load(std::memory_order_acquire);
  return result != nullptr && result->uses_own_aes_gcm;
}

const char* library_name() noexcept {
  // C2 acquire: pairs with C1.
  const Loaded* const result = loaded.load(std::memory_order_acquire);
  return result == nullptr ? "none" : result->name;
}

}  // namespace hyperroute::crypto
