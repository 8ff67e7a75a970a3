// A listener under a flood of first packets: what it remembers is bounded, and it still serves.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <vector>

#include "endpoint_pair.h"
#include "raptor/endpoint.h"

namespace hyperroute::raptor {
namespace {

// The first packet of an attempt to reach the listener, its mac and its handshake good.
Datagram initiate_of(TestNetwork& network, uint32_t client) {
  network.start(client);
  network.connect(client);
  alignas(8) uint8_t buffer[kDatagramBytesMax];
  const Endpoint::Transmit first = network.at(client).next_transmit(network.now_ns, buffer);
  EXPECT_EQ(first.bytes, kInitiateBytes);
  network.stop(client);
  return {client, kListener, {buffer, buffer + first.bytes}};
}

// What malloc has given out. Under a sanitizer, which brings its own allocator, always 0.
size_t heap_bytes_in_use() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// Sends what the listener has and forgets it; the bytes.
uint64_t drain(TestNetwork& network) {
  uint8_t buffer[kDatagramBytesMax];
  uint64_t bytes = 0;
  while (true) {
    const auto sent = network.at(kListener).next_transmit(network.now_ns, buffer);
    if (sent.bytes == 0) return bytes;
    bytes += sent.bytes;
  }
}

TEST(EndpointFlood, OfAMillionForgedAddressesTakesNoMemoryAndLetsAClientIn) {
  constexpr uint32_t kFlood = 1'000'000;
  TestNetwork network(40);
  const EndpointOptions options = network.options(kListener);
  Endpoint& listener = network.start(kListener, options);
  Datagram forged = initiate_of(network, 9);
  alignas(8) uint8_t buffer[kInitiateBytes];
  const MessageSink sink{};
  uint64_t half_open_max = 0;
  uint64_t out_bytes = 0;
  const auto flood = [&](uint32_t first, uint32_t count) {
    for (uint32_t number = first; number < first + count; ++number) {
      std::copy(forged.bytes.begin(), forged.bytes.end(), buffer);
      listener.on_datagram(network.now_ns, buffer, kInitiateBytes, address_of(1'000 + number),
                           sink);
      half_open_max = std::max(half_open_max, listener.counters().half_open);
      network.now_ns += 1'000;
      if (number % 64 == 0) out_bytes += drain(network);
      if (listener.next_deadline_ns() <= network.now_ns) listener.on_deadline(network.now_ns);
    }
  };
  constexpr uint32_t kBegin = 1'000;
  flood(0, kBegin);
  const size_t heap_bytes = heap_bytes_in_use();
  flood(kBegin, kFlood / 2 - kBegin);
  EXPECT_EQ(half_open_max, options.cookie_threshold);
  // A byte for every eighth packet would be more.
  EXPECT_LT(heap_bytes_in_use(), heap_bytes + kFlood / 16);
  // In the middle of it a client connects, which needs the cookie.
  drain(network);
  network.start(kClient);
  network.is_recording = true;
  network.establish();
  EXPECT_EQ(network.recorded_of(PacketKind::kRetry).size(), 1u);
  EXPECT_EQ(network.recorded_of(PacketKind::kInitiate).size(), 2u);
  EXPECT_EQ(listener.counters().sessions_open, 1u);
  network.stop(kClient);
  flood(kFlood / 2, kFlood / 2);
  EXPECT_LE(half_open_max, options.cookie_threshold + 1);
  EXPECT_GT(listener.counters().retries_sent, kFlood * 99 / 100);
  EXPECT_LE(out_bytes, uint64_t{kFlood} * kInitiateBytes / 9);
  network.advance(10 * kHalfOpenNs);
  EXPECT_TRUE(listener.is_idle());
}

TEST(EndpointFlood, OfBadHandshakesUnderOneGoodCookieIsServedSparingly) {
  TestNetwork network(41);
  EndpointOptions options = network.options(kListener);
  options.cookie_threshold = 0;
  Endpoint& listener = network.start(kListener, options);
  Datagram initiate = initiate_of(network, 9);
  // Pressed by strangers; then one that has a cookie sends rubbish in its place.
  for (uint32_t from = 0; from < 100; ++from) {
    initiate.from = 1'000 + from;
    network.deliver(initiate);
  }
  drain(network);
  initiate.from = 9;
  initiate.bytes[40] ^= 1;
  write_initiate_mac(initiate_mac_key(keys_of(1).public_key), initiate.bytes.data());
  network.deliver(initiate);
  uint8_t buffer[kDatagramBytesMax];
  ASSERT_EQ(listener.next_transmit(network.now_ns, buffer).bytes, kRetryBytes);
  std::copy(buffer + 16, buffer + 16 + kCookieBytes, initiate.bytes.data() + kInitiateCookieOffset);
  write_initiate_mac(initiate_mac_key(keys_of(1).public_key), initiate.bytes.data());
  for (int round = 0; round < 1'000; ++round) network.deliver(initiate);
  EXPECT_EQ(listener.counters().bad_handshake, kProvenAloneMax);
  EXPECT_EQ(listener.counters().handshakes_deferred, 1'000 - kProvenAloneMax);
  // What was asked for a cookie was answered.
  EXPECT_EQ(rejected_datagrams(listener.counters()), 1'000u);
  // Nor when the strangers are gone, while the cookie is still good.
  network.now_ns += kPressedNs + kProvenWindowNs;
  for (int round = 0; round < 1'000; ++round) network.deliver(initiate);
  EXPECT_EQ(listener.counters().bad_handshake, 2 * kProvenAloneMax);
  // Another host gets in, in the window of which the first has had all that it gets.
  network.start(kClient);
  network.establish();
  EXPECT_EQ(listener.counters().sessions_open, 1u);
}

TEST(EndpointFlood, OfProvenClientsFillsTheHalfOpenTableAndNoMore) {
  TestNetwork network(42);
  EndpointOptions options = network.options(kListener);
  options.cookie_threshold = 4;
  options.half_open_max = 8;
  network.start(kListener, options);
  network.filter = [](Datagram& datagram) { return datagram.kind() != PacketKind::kData; };
  for (uint32_t client = 10; client < 30; ++client) {
    network.start(client);
    network.connect(client);
    network.run();
    EXPECT_LE(network.at(kListener).counters().half_open, 8u);
    network.stop(client);
  }
  EXPECT_EQ(network.at(kListener).counters().half_open, 8u);
  const RaptorCounters& counters = network.at(kListener).counters();
  EXPECT_GE(counters.half_open_full, 12u);
  EXPECT_EQ(rejected_datagrams(counters), counters.half_open_full + counters.handshakes_deferred);
  // The entries lapse, and the table serves again.
  network.filter = nullptr;
  network.start(kClient);
  network.connect(kClient);
  network.advance(kHalfOpenNs + kInitiateIntervalNsMax);
  EXPECT_EQ(network.established(kListener).size(), 1u);
}

// Addresses of the tests are numbers: a hundred of them are a host.
uint64_t hundreds(const PathAddress& address) noexcept { return 1 + number_of(address) / 100; }

TEST(EndpointFlood, OfOneHostWithManyAddressesFillsAPartOfTheHalfOpenTable) {
  TestNetwork network(45);
  EndpointOptions options = network.options(kListener);
  options.cookie_threshold = 0;
  options.half_open_max = 64;
  options.host_of = hundreds;
  network.start(kListener, options);
  const RaptorCounters& counters = network.at(kListener).counters();
  network.filter = [](Datagram& datagram) { return datagram.kind() != PacketKind::kData; };
  const auto half_open = [&](uint32_t first, uint32_t count) {
    for (uint32_t client = first; client < first + count; ++client) {
      network.start(client);
      network.connect(client);
      network.run();
      network.stop(client);
      network.now_ns += kProvenWindowNs / kProvenPerHostMax;
    }
  };
  half_open(1'000, 40);
  EXPECT_EQ(counters.half_open, 64 / kHalfOpenHostDivisor);
  EXPECT_GE(counters.half_open_full, 40 - 64 / kHalfOpenHostDivisor);
  // Others are served, and who has confirmed holds nothing.
  half_open(2'000, 3);
  EXPECT_EQ(counters.half_open, 64 / kHalfOpenHostDivisor + 3);
  network.filter = nullptr;
  for (uint32_t client = 3'000; client < 3'020; ++client) {
    network.start(client);
    network.establish(client);
    network.now_ns += kProvenWindowNs / kProvenPerHostMax;
  }
  EXPECT_EQ(counters.sessions_open, 20u);
}

TEST(EndpointFlood, InTheNameOfAHostTakesNothingOfWhatItMayHold) {
  TestNetwork network(46);
  EndpointOptions options = network.options(kListener);
  options.host_of = hundreds;
  options.half_open_max = 64;
  network.start(kListener, options);
  const RaptorCounters& counters = network.at(kListener).counters();
  // Strangers write its address, and rubbish in place of a cookie.
  const Datagram genuine = initiate_of(network, 2'000);
  for (uint32_t port = 0; port < options.cookie_threshold; ++port) {
    Datagram forged = genuine;
    forged.from = 2'001 + port;
    forged.bytes[kInitiateCookieOffset] = 1;
    write_initiate_mac(initiate_mac_key(keys_of(1).public_key), forged.bytes.data());
    network.deliver(forged);
  }
  EXPECT_EQ(counters.half_open, options.cookie_threshold);
  drain(network);
  network.start(2'099);
  network.establish(2'099);
  EXPECT_EQ(counters.sessions_open, 1u);
}

TEST(EndpointFlood, InTheNameOfOthersTakesNoSessionOfThoseThereAre) {
  TestNetwork network(48);
  EndpointOptions options = network.options(kListener);
  options.sessions_max = 2;
  network.start(kListener, options);
  const RaptorCounters& counters = network.at(kListener).counters();
  Datagram replayed = initiate_of(network, 9);
  for (uint32_t from = 0; from < 10; ++from) {
    replayed.from = 1'000 + from;
    network.deliver(replayed);
  }
  EXPECT_EQ(counters.half_open, 2u);
  EXPECT_EQ(counters.retries_sent, 8u);
  drain(network);
  network.start(kClient);
  network.establish();
  EXPECT_EQ(counters.sessions_open, 1u);
  // Nor does it keep the endpoint from connecting by itself.
  const crypto::PublicKey key = keys_of(5).public_key;
  EXPECT_TRUE(network.at(kListener).connect(network.now_ns, address_of(5), key).ok());
  EXPECT_FALSE(network.at(kListener).connect(network.now_ns, address_of(6), key).ok());
}

TEST(EndpointFlood, WithoutMacOrCookieCostsNoDiffieHellman) {
  TestNetwork network(47);
  EndpointOptions options = network.options(kListener);
  options.cookie_threshold = 0;
  network.start(kListener, options);
  const Datagram genuine = initiate_of(network, 9);
  // An ephemeral key is drawn before the first operation of a handshake.
  const uint64_t drawn = network.node(kListener).random->fill_count;
  Datagram without_mac = genuine;
  without_mac.bytes[kInitiateMacOffset] ^= 1;
  network.deliver(without_mac);
  network.deliver(genuine);
  EXPECT_EQ(network.at(kListener).counters().bad_mac, 1u);
  EXPECT_EQ(network.at(kListener).counters().retries_sent, 1u);
  EXPECT_EQ(network.node(kListener).random->fill_count, drawn);
}

TEST(EndpointFlood, WithOldOrStolenCookiesGetsNoFurther) {
  TestNetwork network(43);
  EndpointOptions options = network.options(kListener);
  options.cookie_threshold = 0;
  Endpoint& listener = network.start(kListener, options);
  network.is_recording = true;
  network.start(kClient);
  network.filter = [](Datagram& datagram) { return datagram.to != kListener; };
  network.connect(kClient);
  network.run();
  // The INITIATE with its cookie, as it would have come.
  network.filter = nullptr;
  network.deliver(network.recorded.at(0));
  network.recorded.clear();
  network.filter = [](Datagram& datagram) { return datagram.to != kListener; };
  network.run();
  Datagram proven = network.recorded_of(PacketKind::kInitiate).at(0);
  network.filter = nullptr;
  network.stop(kClient);
  Datagram stolen = proven;
  stolen.from = 77;
  network.deliver(stolen);
  EXPECT_EQ(listener.counters().half_open, 0u);
  EXPECT_EQ(listener.counters().bad_cookie, 1u);
  EXPECT_EQ(rejected_datagrams(listener.counters()), 0u);
  network.now_ns += 2 * kCookieBucketNs;
  network.deliver(proven);
  EXPECT_EQ(listener.counters().half_open, 0u);
  EXPECT_EQ(listener.counters().bad_cookie, 2u);
  network.now_ns -= 2 * kCookieBucketNs;
  network.deliver(proven);
  EXPECT_EQ(listener.counters().half_open, 1u);
}

TEST(EndpointFlood, OfWrongMacsCostsNoAnswer) {
  TestNetwork network(44);
  Endpoint& listener = network.start(kListener);
  Datagram forged = initiate_of(network, 9);
  forged.bytes[kInitiateMacOffset] ^= 1;
  for (uint32_t from = 0; from < 10'000; ++from) {
    forged.from = 1'000 + from;
    network.deliver(forged);
  }
  EXPECT_EQ(listener.counters().bad_mac, 10'000u);
  EXPECT_EQ(listener.counters().datagrams_out, 0u);
  EXPECT_TRUE(listener.is_idle());
}

}  // namespace
}  // namespace hyperroute::raptor
