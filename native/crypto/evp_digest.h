// A context of a library for SHA-256, used again for every hash.
// Thread: one, which keeps it.
#pragma once

#include <span>

#include "crypto/crypto.h"
#include "crypto/evp.h"

namespace hyperroute::crypto {

class EvpDigest {
 public:
  EvpDigest() noexcept = default;
  EvpDigest(const EvpDigest&) = delete;
  EvpDigest& operator=(const EvpDigest&) = delete;
  ~EvpDigest() noexcept { release(); }

  // SHA-256 of `first` and the parts. False when the library failed. Allocates the first time.
  [[nodiscard]] bool compute(const Evp& evp, Bytes first, std::span<const Bytes> parts,
                             Hash& hash) noexcept {
    bool is_good = start(evp) && add(first);
    for (const Bytes part : parts) is_good = is_good && add(part);
    unsigned hash_bytes = 0;
    is_good = is_good && evp.digest_final(context_, hash.data(), &hash_bytes) == 1;
    if (is_good && hash_bytes == kHashBytes) return true;
    evp.clear_errors();
    release();
    return false;
  }

 private:
  // A context that has its algorithm is started again without naming it, which spares the library
  // to look for who implements it.
  bool start(const Evp& evp) noexcept {
    if (evp_ == &evp) return evp.digest_init(context_, nullptr, nullptr) == 1;
    release();
    evp_ = &evp;
    context_ = evp.md_ctx_new();
    return context_ != nullptr && evp.digest_init(context_, evp.sha256(), nullptr) == 1;
  }

  bool add(Bytes data) noexcept {
    return data.empty() || evp_->digest_update(context_, data.data(), data.size()) == 1;
  }

  void release() noexcept {
    if (context_ != nullptr) evp_->md_ctx_free(context_);
    evp_ = nullptr;
    context_ = nullptr;
  }

  const Evp* evp_ = nullptr;
  evp_md_ctx_st* context_ = nullptr;
};

}  // namespace hyperroute::crypto
