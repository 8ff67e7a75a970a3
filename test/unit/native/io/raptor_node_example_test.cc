// The example of docs/raptor.md, which test/unit/lib/raptor/docs.test.ts compares with it.
#include <gtest/gtest.h>
#include <poll.h>

#include "test/unit/native/io/raptor_nodes.h"

namespace hyperroute {
namespace {

// What the example leaves to its reader.
class Book {
 public:
  [[nodiscard]] bool is_open() const { return answer_count_ < 3; }
  [[nodiscard]] bool has_tick() const { return true; }
  [[nodiscard]] std::span<const uint8_t> tick() { return {&tick_, 1}; }
  static uint32_t take(void* context, std::span<const raptor::MessageView> views) {
    static_cast<Book*>(context)->answer_count_ += static_cast<uint32_t>(views.size());
    return static_cast<uint32_t>(views.size());
  }
  void sleep_on(int fd) {
    server_.turn();
    if (server_.got(1).size() > answered_count_) {
      ++answered_count_;
      static_cast<void>(server_.offer(answers_, "answer"));
    }
    pollfd waiting{fd, POLLIN, 0};
    static_cast<void>(::poll(&waiting, 1, 1));
  }

  explicit Book(TestNode& server) : server_(server), answers_(server.publish(2)) {
    server_.subscribe(1);
  }

 private:
  TestNode& server_;
  uint32_t answers_;
  uint32_t answer_count_ = 0;
  size_t answered_count_ = 0;
  uint8_t tick_ = 42;
};

Status run_example(Book& book, const SocketAddress& server_address,
                   const crypto::PublicKey& server_key) {
  // As in docs/raptor.md.
  RaptorNodeOptions options;
  options.socket.local = SocketAddress::parse("127.0.0.1", 0).value();
  options.socket.has_one_peer = true;
  options.socket.endpoint.static_keys = crypto::generate_key_pair().take();
  RaptorNode node;
  HR_TRY(node.open(monotonic_ns(), options));
  HR_TRY(node.connect(monotonic_ns(), {server_address, server_key}).status());
  RaptorPublicationOptions ticks;
  ticks.stream.label = 1;
  ticks.stream.mode = raptor::StreamMode::kLatest;
  const Result<uint32_t> publication = node.add_publication(ticks);
  HR_TRY(publication.status());
  HR_TRY(node.add_subscription({2, {&book, &Book::take}}).status());
  while (book.is_open()) {
    const uint64_t now_ns = monotonic_ns();
    static_cast<void>(node.poll(now_ns));
    if (book.has_tick()) static_cast<void>(node.offer(now_ns, publication.value(), book.tick()));
    static_cast<void>(node.transmit(now_ns));
    if (node.prepare_wait(now_ns)) book.sleep_on(node.wait_fd());
  }
  return Status::success();
}

TEST(RaptorNodeExample, OfTheDocumentationSendsTicksAndTakesAnswers) {
  NodeWorld world;
  TestNode& server = world.listen();
  Book book(server);
  const Status status = run_example(book, server.node.local_address(), world.server_key());
  EXPECT_TRUE(status.ok()) << status.context;
  EXPECT_FALSE(server.got(1).empty());
}

}  // namespace
}  // namespace hyperroute
