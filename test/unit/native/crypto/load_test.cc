// Which library is taken, and what is said where none is.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "crypto/evp.h"
#include "crypto/noise.h"
#include "hex.h"

namespace hyperroute::crypto {
namespace {

Evp good_evp() {
  EXPECT_TRUE(load().ok());
  return *loaded_evp();
}

std::string refusal_of(const Evp& evp) {
  const Status status = check_known_answers(evp);
  EXPECT_EQ(status.code, StatusCode::kCryptoUnavailable);
  return status.context;
}

TEST(CryptoLoad, TheFirstCallAndEveryLaterOneSaysTheSameInEveryThread) {
  std::vector<std::thread> threads;
  std::vector<uint32_t> good(4);
  for (size_t index = 0; index < good.size(); ++index) {
    threads.emplace_back([&, index] { good[index] = load().ok() && loaded_evp() != nullptr; });
  }
  for (std::thread& thread : threads) thread.join();
  for (const uint32_t is_good : good) EXPECT_EQ(is_good, 1u);
  EXPECT_TRUE(load().ok());
  EXPECT_STRNE(library_name(), "none");
}

TEST(CryptoLoad, ALibraryWithoutTheFunctionsIsNamedWithTheFirstMissing) {
  void* const handle = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr);
  const Result<Evp> found = resolve_evp({handle, "libm.so.6"});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.status().code, StatusCode::kCryptoUnavailable);
  EXPECT_STREQ(found.status().context, "libm.so.6: no EVP_CIPHER_CTX_new");
  dlclose(handle);
}

TEST(CryptoLoad, ALibraryThatComputesOtherResultsIsRefused) {
  const Evp good = good_evp();
  ASSERT_TRUE(check_known_answers(good).ok());

  Evp wrong = good;
  wrong.aes_256_gcm = good.chacha20_poly1305;
  EXPECT_EQ(refusal_of(wrong), "wrong AES-256-GCM");
  wrong = good;
  wrong.chacha20_poly1305 = good.aes_256_gcm;
  EXPECT_EQ(refusal_of(wrong), "wrong ChaCha20-Poly1305");
  wrong = good;
  wrong.digest_update = [](evp_md_ctx_st*, const void*, size_t) { return 1; };
  EXPECT_EQ(refusal_of(wrong), "wrong SHA-256");
  wrong = good;
  wrong.derive = [](evp_pkey_ctx_st*, unsigned char* secret, size_t* bytes) {
    std::fill_n(secret, *bytes, uint8_t{1});
    return 1;
  };
  EXPECT_EQ(refusal_of(wrong), "wrong X25519");
}

TEST(CryptoLoad, AesGcmIsComputedHereOnlyWhereItGivesWhatTheLibraryGives) {
  const Evp good = good_evp();
  EXPECT_EQ(is_own_aes_gcm_right(good), aes_gcm_is_supported());
  EXPECT_EQ(uses_own_aes_gcm(), aes_gcm_is_supported());
  Evp other = good;
  other.aes_256_gcm = good.chacha20_poly1305;
  EXPECT_FALSE(is_own_aes_gcm_right(other));
}

TEST(CryptoLoad, ALibraryThatForbidsAnAlgorithmIsRefused) {
  const Evp good = good_evp();
  Evp strict = good;
  strict.chacha20_poly1305 = []() -> const evp_cipher_st* { return nullptr; };
  EXPECT_EQ(refusal_of(strict), "wrong ChaCha20-Poly1305");
  strict = good;
  strict.pkey_new_private = [](int, engine_st*, const unsigned char*, size_t) -> evp_pkey_st* {
    return nullptr;
  };
  EXPECT_EQ(refusal_of(strict), "wrong X25519");
}

TEST(CryptoLoad, ALibraryThatOpensForgedPacketsIsRefused) {
  Evp lax = good_evp();
  lax.decrypt_final = [](evp_cipher_ctx_st*, unsigned char*, int*) { return 1; };
  EXPECT_EQ(refusal_of(lax), "wrong AES-256-GCM");
}

TEST(CryptoLoad, RefusedPacketsAndKeysLeaveNoErrorInTheHostsQueue) {
  const Evp evp = good_evp();
  Dl_info info{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(evp.clear_errors), &info), 0);
  void* const handle = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(handle, nullptr);
  const auto peek = reinterpret_cast<unsigned long (*)()>(dlsym(handle, "ERR_peek_error"));
  ASSERT_NE(peek, nullptr);
  const Result<KeyPair> pair = generate_key_pair();
  ASSERT_TRUE(pair.ok());
  EXPECT_FALSE(diffie_hellman(pair.value().private_key, PublicKey{}).ok());
  EXPECT_EQ(peek(), 0ul);
  for (const AeadKind kind : {AeadKind::kAes256Gcm, AeadKind::kChaCha20Poly1305}) {
    Result<Aead> aead = Aead::create_through(evp, kind, pair.value().private_key, Direction::kOpen);
    ASSERT_TRUE(aead.ok());
    uint8_t packet[64] = {};
    const uint8_t nonce[kNonceBytes] = {};
    EXPECT_FALSE(aead.value().open(nonce, {}, packet, sizeof packet));
    EXPECT_EQ(peek(), 0ul);
  }
  dlclose(handle);
}

// Set in the process that the last test starts, where no library can be found.
constexpr const char* kWithoutLibrary = "HYPERROUTE_TEST_WITHOUT_LIBCRYPTO";

void expect_unavailable() {
  EXPECT_EQ(loaded_evp(), nullptr);
  EXPECT_FALSE(uses_own_aes_gcm());
  EXPECT_EQ(derive_public(PublicKey{}).status().code, StatusCode::kCryptoUnavailable);
  const Status status = load();
  EXPECT_EQ(status.code, StatusCode::kCryptoUnavailable);
  EXPECT_STREQ(load().context, status.context);
  EXPECT_STREQ(library_name(), "none");
  EXPECT_EQ(generate_key_pair().status().code, StatusCode::kCryptoUnavailable);
  const auto aead = Aead::create(AeadKind::kAes256Gcm, PublicKey{}, Direction::kSeal);
  EXPECT_EQ(aead.status().code, StatusCode::kCryptoUnavailable);
  EXPECT_EQ(to_hex(hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  std::printf("said: %s\n", status.context);
}

TEST(CryptoLoad, WithoutALibraryTheErrorSaysWhatWasTriedAndHashesStillWork) {
  if (std::getenv(kWithoutLibrary) != nullptr) return expect_unavailable();
  const std::string folder = ::testing::TempDir() + "no-libcrypto-" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/libcrypto.so.3") << "not a library";
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string command = "LD_LIBRARY_PATH='" + folder + "' " + kWithoutLibrary + "=1 '" +
                              program + "' --gtest_filter=CryptoLoad." + test + " 2>&1";
  FILE* const child = popen(command.c_str(), "r");
  ASSERT_NE(child, nullptr);
  std::string output;
  char part[1000];
  while (std::fgets(part, sizeof part, child) != nullptr) output += part;
  EXPECT_EQ(pclose(child), 0) << output;
  EXPECT_NE(output.find("said: the process: no EVP_CIPHER_CTX_new; "), std::string::npos) << output;
  EXPECT_NE(output.find(folder + "/libcrypto.so.3"), std::string::npos) << output;
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace hyperroute::crypto
