// Decides the messages of a recording again and compares.
//
// Thread: whoever made it; control plane. Reads files that may be damaged or hostile: every byte
// is checked before it is used, and the images are verified as a router does.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/plugin_library.h"
#include "engine/recording_format.h"
#include "route/correlation.h"
#include "route/image.h"
#include "route/step.h"

namespace hyperroute {

// What was counted of the messages, held ones aside. `first` and `second` by kind: route and rule;
// endpoint; reject code; nothing.
enum class TallyKind : uint32_t {
  kRule,
  kEndpoint,
  kReturnSource,
  kReturnAddress,
  kReject,
  kDiscard,
  kCorrelated,
};

struct ReplayOptions {
  // Opens the libraries that the file's images use, and runs their code: for files whose writer may
  // do that. Without it an image that uses one is refused.
  bool loads_plugins = false;
  // What the tables of all workers' correlations may take together.
  uint64_t table_bytes_max = 2ull << 30;
};

class Replay {
 public:
  struct Image {
    uint32_t number = 0;
    std::string description;
    std::vector<std::string> libraries;
    // Before the image, which calls what they hold.
    PluginSet plugins;
    RouteImage image;
  };
  // Image number, kind, first, second.
  using TallyKey = std::array<uint32_t, 4>;
  // A message that was decided in another way than the recording says.
  struct Difference {
    uint16_t worker = 0;
    uint64_t message_index = 0;  // Of the worker, held ones aside.
    uint32_t image = 0;
    uint16_t source = 0;
    std::vector<uint8_t> message;
    std::vector<uint8_t> recorded;  // One or two decisions.
    std::vector<uint8_t> replayed;
  };
  struct Report {
    uint32_t worker_count = 0;
    uint64_t begun_ms = 0;
    uint64_t message_count = 0;
    uint64_t held_count = 0;
    uint64_t different_count = 0;
    EndChunk end{};  // reason kNone: the recording has no end.
  };

  explicit Replay(const ReplayOptions& options = {}) : options_(options) {}

  // The first bytes of the file. kRecording: it is none, or of another version. kState: there was
  // one already; a replay plays one recording.
  Status open(std::span<const uint8_t> header);
  // How many bytes the payload behind a chunk's header has. kRecording: it is no header.
  Result<uint32_t> payload_bytes(std::span<const uint8_t> header) const;
  // A whole chunk, in order. kRecording: it is damaged; nothing of it has been played then, or it
  // says what cannot be, or its tables are larger than they may be. kPlugin, kImageCorrupt: an
  // image of it cannot be used here.
  Status play(std::span<const uint8_t> header, std::span<const uint8_t> payload);

  [[nodiscard]] const Report& report() const { return report_; }
  [[nodiscard]] const Difference* difference() const { return difference_.get(); }
  [[nodiscard]] const std::map<TallyKey, uint64_t>& tallies() const { return tallies_; }
  [[nodiscard]] const std::map<uint32_t, std::unique_ptr<Image>>& images() const { return images_; }

 private:
  // A worker as its notes have it.
  struct Worker {
    const Image* image = nullptr;
    uint64_t message_count = 0;
    std::vector<uint32_t> pool_positions;
    std::vector<uint32_t> tap_counts;
    std::vector<uint8_t> alive;
    std::vector<EndpointLoad> loads;
    std::vector<uint8_t> scratch;
    std::unique_ptr<FanOut> fan_out;
    // By number; and for those that other workers have the least one, so that no message that says
    // to be of this worker finds none.
    std::map<uint32_t, std::unique_ptr<CorrelationTable>> tables;
    std::vector<std::unique_ptr<CorrelationTable>> strange_tables;
    std::vector<CorrelationTable*> tables_in_use;
    std::unique_ptr<Correlating> correlating;
    uint64_t now_ns = 0;
    StepState state{};
  };

  static Status damaged(const char* what);
  Status play_image(std::span<const uint8_t> payload);
  Status play_notes(uint16_t index, std::span<const uint8_t> payload);
  Status play_end(std::span<const uint8_t> payload);
  Status begin(Worker& worker, std::span<const uint8_t> note);
  Status take_tables(Worker& worker, std::span<const uint8_t> notes);
  static Status take_table(Worker& worker, const CorrelationRecord& record, uint32_t number);
  Status make_table(Worker& worker, CorrelationRecord record, const CorrelationNote& note,
                    uint64_t& table_bytes) const;
  [[nodiscard]] uint64_t table_bytes() const;
  static Status burst(Worker& worker, std::span<const uint8_t> note);
  static Status sweep(Worker& worker, std::span<const uint8_t> note);
  static Status change(Worker& worker, std::span<const uint8_t> note);
  Status message(uint16_t index, std::span<const uint8_t> note);
  void decide_again(Worker& worker, const MessageNote& note, std::span<const uint8_t> bytes,
                    const SettledNote& settled);
  void tally(const Worker& worker, const Decision& decision, uint32_t decision_count);

  const ReplayOptions options_;
  Report report_;
  uint32_t sequence_ = 0;
  bool is_ended_ = false;
  std::map<uint32_t, std::unique_ptr<Image>> images_;
  std::vector<Worker> workers_;
  std::map<TallyKey, uint64_t> tallies_;
  std::unique_ptr<Difference> difference_;
  std::vector<uint8_t> replayed_;  // Of the message at hand.
};

}  // namespace hyperroute
