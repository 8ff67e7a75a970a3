// Endpoint options from JavaScript. Thread: JavaScript.
#include "addon/endpoint_options.h"

#include "addon/raptor_options.h"

namespace hyperroute {
namespace {

Status read_address(OptionReader& options, SocketAddress& out) {
  const std::string host = options.string("host");
  const uint16_t port = static_cast<uint16_t>(options.u32("port", UINT16_MAX));
  HR_TRY(options.status());
  auto address = SocketAddress::parse(host, port);
  if (!address.ok()) return address.status();
  out = address.value();
  return Status::success();
}

int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

Status read_delimiter(OptionReader& options, FramingOptions& out) {
  const std::string hex = options.string("hex");
  HR_TRY(options.status());
  if (hex.empty() || hex.size() % 2 != 0 || hex.size() / 2 > kDelimiterBytesMax) {
    return Status::error(StatusCode::kConfig, "framing.hex: 1 to %u bytes", kDelimiterBytesMax);
  }
  for (size_t index = 0; index < hex.size() / 2; ++index) {
    const int high = hex_digit(hex[2 * index]);
    const int low = hex_digit(hex[2 * index + 1]);
    if (high < 0 || low < 0) return Status::error(StatusCode::kConfig, "framing.hex: not hex");
    out.delimiter[index] = static_cast<uint8_t>(high * 16 + low);
  }
  out.delimiter_bytes = static_cast<uint8_t>(hex.size() / 2);
  return Status::success();
}

Status read_framing(Napi::Env env, const Napi::Value& value, FramingOptions& out) {
  OptionReader options(env, value);
  const std::string kind = options.string("kind");
  if (kind == "length-prefix") {
    out.kind = FramingKind::kLengthPrefix;
    out.prefix_bytes = static_cast<uint8_t>(options.u32("bytes", 8));
    out.big_endian = options.string("order") == "be";
    out.includes_header = options.boolean("includesHeader");
    out.strip = options.boolean("strip");
    out.prefix_offset = options.u32("offset");
    out.adjust = static_cast<int64_t>(options.number("adjust", -2147483648.0, 2147483647.0));
  } else if (kind == "delimiter") {
    out.kind = FramingKind::kDelimiter;
    HR_TRY(read_delimiter(options, out));
  } else if (kind == "fixed") {
    out.kind = FramingKind::kFixed;
    out.fixed_bytes = options.u32("bytes");
  } else {
    return Status::error(StatusCode::kConfig, "framing.kind: unknown kind '%s'", kind.c_str());
  }
  return options.status();
}

// "u8", "u16le", "u32be", …
Status read_width(const std::string& type, uint8_t& bytes, bool& big_endian) {
  big_endian = type.ends_with("be");
  if (type == "u8") {
    bytes = 1;
  } else if (type == "u16le" || type == "u16be") {
    bytes = 2;
  } else if (type == "u32le" || type == "u32be") {
    bytes = 4;
  } else {
    return Status::error(StatusCode::kConfig, "framing: unknown type '%s'", type.c_str());
  }
  return Status::success();
}

Status read_empty_counts(const Napi::Value& value, BlocksOptions& out) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() > kEmptyCountsMax) {
    return Status::error(StatusCode::kConfig, "framing.emptyCounts: expected up to %u counts",
                         kEmptyCountsMax);
  }
  const Napi::Array counts = value.As<Napi::Array>();
  for (uint32_t index = 0; index < counts.Length(); ++index) {
    const Napi::Value item = counts.Get(index);
    const double number = item.IsNumber() ? item.As<Napi::Number>().DoubleValue() : -1;
    if (!(number >= 0 && number <= UINT32_MAX)) {
      return Status::error(StatusCode::kConfig, "framing.emptyCounts: expected u32 counts");
    }
    out.empty_counts[index] = static_cast<uint32_t>(number);
  }
  out.empty_count_count = static_cast<uint8_t>(counts.Length());
  return Status::success();
}

Status read_blocks(Napi::Env env, const Napi::Object& value, BlocksOptions& out) {
  OptionReader options(env, value);
  if (options.string("kind") != "blocks") {
    return Status::error(StatusCode::kConfig, "framing.kind: expected 'blocks'");
  }
  OptionReader count(env, options.object("count"));
  out.header_bytes = options.u32("headerBytes");
  out.count_offset = count.u32("offset");
  out.includes_length = options.boolean("includesLength");
  HR_TRY(read_width(count.string("type"), out.count_bytes, out.count_big_endian));
  HR_TRY(read_width(options.string("length"), out.length_bytes, out.length_big_endian));
  HR_TRY(read_empty_counts(value.Get("emptyCounts"), out));
  HR_TRY(count.status());
  if (out.header_bytes == 0) {
    return Status::error(StatusCode::kConfig, "framing.headerBytes: expected 1 at least");
  }
  return options.status();
}

Status read_udp(Napi::Env env, const Napi::Value& value, UdpOptions& out) {
  OptionReader options(env, value);
  HR_TRY(read_address(options, out.local));
  if (options.has("remote")) {
    OptionReader remote(env, options.object("remote"));
    HR_TRY(read_address(remote, out.remote));
  }
  out.exposed = options.boolean("exposed");
  out.receive_buffer_bytes = options.u32_or("receiveBufferBytes", 0);
  out.send_buffer_bytes = options.u32_or("sendBufferBytes", 0);
  out.datagram_bytes_max = options.u32("maxDatagramBytes");
  out.senders_max = options.u32("maxPeers");
  if (options.has("framing")) HR_TRY(read_blocks(env, options.object("framing"), out.blocks));
  return options.status();
}

Status read_tcp(Napi::Env env, const Napi::Value& value, TcpMode mode, TcpOptions& out) {
  OptionReader options(env, value);
  out.mode = mode;
  HR_TRY(read_address(options, out.address));
  HR_TRY(read_framing(env, options.object("framing"), out.framing));
  out.frame_bytes_max = options.u32("maxFrameBytes");
  out.no_delay = options.boolean("noDelay");
  out.read_budget = options.u32("readBudget");
  out.half_open_timeout_ns = uint64_t{options.u32("halfOpenTimeoutMs")} * kMillisecondNs;
  if (mode == TcpMode::kListen) {
    out.exposed = options.boolean("exposed");
    out.connections_max = options.u32("maxConnections");
    out.accept_queue_max = options.u32("backlog");
  } else {
    OptionReader reconnect(env, options.object("reconnect"));
    out.reconnect_min_ns = uint64_t{reconnect.u32("minMs")} * kMillisecondNs;
    out.reconnect_max_ns = uint64_t{reconnect.u32("maxMs")} * kMillisecondNs;
    HR_TRY(reconnect.status());
  }
  return options.status();
}

Status read_memory(Napi::Env env, const Napi::Value& value, MemoryOptions& out) {
  OptionReader options(env, value);
  const OptionReader::Bytes outbound = options.bytes("outbound");
  const OptionReader::Bytes inbound = options.bytes("inbound");
  out.outbound_memory = outbound.data;
  out.outbound_bytes = outbound.bytes;
  out.inbound_memory = inbound.data;
  out.inbound_bytes = inbound.bytes;
  return options.status();
}

// Each producing worker may queue up to the bound for a connection; all of it may end up in the
// connection's backlog.
uint32_t backlog_bytes_of(const QueueOptions& queue, const RouterShape& shape) {
  static_assert(kBacklogBytesMax == kRaptorBacklogBytesMax);
  const bool drops_oldest = queue.full == FullPolicy::kDropOldest;
  const uint64_t bound_bytes = uint64_t{queue.queue_bytes} + queue.park_bytes;
  const uint64_t bytes = drops_oldest ? queue.queue_bytes : bound_bytes * shape.worker_count;
  return static_cast<uint32_t>(std::min<uint64_t>(bytes, kBacklogBytesMax));
}

}  // namespace

Status read_queue_options(Napi::Env env, const Napi::Value& value, QueueOptions& out) {
  OptionReader options(env, value);
  out.queue_bytes = options.u32("bytes", kRingCapacityBytesMax);
  out.park_bytes = options.u32("parkBytes", kRingCapacityBytesMax);
  const std::string full = options.string("full");
  HR_TRY(options.status());
  if (full == "reject") {
    out.full = FullPolicy::kReject;
  } else if (full == "park") {
    out.full = FullPolicy::kPark;
  } else if (full == "block") {
    out.full = FullPolicy::kBlock;
  } else if (full == "drop-oldest") {
    out.full = FullPolicy::kDropOldest;
  } else {
    return Status::error(StatusCode::kConfig, "queue.full: unknown policy '%s'", full.c_str());
  }
  return Status::success();
}

Status read_endpoint_options(Napi::Env env, const std::string& kind, const Napi::Value& value,
                             const QueueOptions& queue, const RouterShape& shape,
                             EndpointOptions& out) {
  if (kind == "raptor-listen" || kind == "raptor-connect") {
    RaptorOptions& raptor = out.emplace<RaptorOptions>();
    raptor.mode = kind == "raptor-listen" ? RaptorMode::kListen : RaptorMode::kConnect;
    HR_TRY(read_raptor_options(env, value, raptor));
    raptor.is_inline = shape.is_inline;
    raptor.drop_oldest = queue.full == FullPolicy::kDropOldest;
    raptor.backlog_bytes = backlog_bytes_of(queue, shape);
    return Status::success();
  }
  if (kind == "udp") return read_udp(env, value, out.emplace<UdpOptions>());
  if (kind == "memory") return read_memory(env, value, out.emplace<MemoryOptions>());
  if (kind != "tcp-listen" && kind != "tcp-connect") {
    return Status::error(StatusCode::kConfig, "unknown kind of endpoint '%s'", kind.c_str());
  }
  TcpOptions& tcp = out.emplace<TcpOptions>();
  HR_TRY(read_tcp(env, value, kind == "tcp-listen" ? TcpMode::kListen : TcpMode::kConnect, tcp));
  tcp.drop_oldest = queue.full == FullPolicy::kDropOldest;
  tcp.backlog_bytes = backlog_bytes_of(queue, shape);
  return Status::success();
}

bool can_reconfigure(const EndpointOptions& running, const EndpointOptions& wanted) {
  if (running.index() != wanted.index()) return false;
  if (const auto* udp = std::get_if<UdpOptions>(&running)) {
    return can_reconfigure(*udp, std::get<UdpOptions>(wanted));
  }
  if (const auto* tcp = std::get_if<TcpOptions>(&running)) {
    return can_reconfigure(*tcp, std::get<TcpOptions>(wanted));
  }
  if (const auto* raptor = std::get_if<RaptorOptions>(&running)) {
    return can_reconfigure(*raptor, std::get<RaptorOptions>(wanted));
  }
  return true;
}

}  // namespace hyperroute
