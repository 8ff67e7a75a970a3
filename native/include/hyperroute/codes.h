// Generated from native/codes.json by scripts/codes.mjs (npm run codes): do not edit.
// Error and reject codes shared with TypeScript. Constants only: any thread, any path.
#pragma once

#include <cstdint>

namespace hyperroute {

// Why a message was rejected; travels on the wire, in counters and to reject destinations.
// Built-in codes are 1 to 999, those of a configuration kRejectCodeUserMin to kRejectCodeUserMax.
enum class RejectCode : uint32_t {
  // The bytes are not a valid frame or message of the source's format.
  kMalformed = 1,
  // The discriminator names no message type of the source's protocol.
  kUnknownType = 2,
  // A frame announces more bytes than the source's limit.
  kFrameTooLarge = 3,
  // No rule of the route matches the message.
  kNoRoute = 4,
  // No member of the chosen pool is alive.
  kNoDestination = 5,
  // The destination's queue is at its bound and its policy is to reject.
  kDestinationFull = 6,
  // The return address names no connection, or one that takes other messages.
  kStaleReturnAddress = 7,
  // A value does not fit its target field, or arithmetic overflowed.
  kOutOfRange = 8,
  // A field holds a value its enumeration does not name.
  kBadEnum = 9,
  // The message does not fit the destination's framing.
  kFrameSize = 10,
  // An update removed the destination before the message left.
  kDestinationRemoved = 11,
  // The destination's connection closed before the message left.
  kDestinationGone = 12,
  // The destination is busy, and takes only messages of a higher priority.
  kShed = 13,
  // The destination has got as many messages as its rate allows.
  kRateLimited = 14,
  // As many messages as the destination may have wait for its answer.
  kInFlightLimit = 15,
  // The message belongs to none that the correlation remembers.
  kNotCorrelated = 16,
  // The correlation has no room to remember one more message.
  kCorrelationFull = 17,
  // A plug-in answered what no plug-in may answer.
  kPluginFault = 18,
};

inline constexpr uint32_t kRejectCodeUserMin = 1000;
// The engine counts rejects in a table by code.
inline constexpr uint32_t kRejectCodeUserMax = 65535;
inline constexpr uint32_t kRejectCodeMax = 18;

// The code's name; "UNKNOWN" for a number outside the table.
constexpr const char* name_of(RejectCode code) noexcept {
  switch (code) {
    case RejectCode::kMalformed:
      return "MALFORMED";
    case RejectCode::kUnknownType:
      return "UNKNOWN_TYPE";
    case RejectCode::kFrameTooLarge:
      return "FRAME_TOO_LARGE";
    case RejectCode::kNoRoute:
      return "NO_ROUTE";
    case RejectCode::kNoDestination:
      return "NO_DESTINATION";
    case RejectCode::kDestinationFull:
      return "DESTINATION_FULL";
    case RejectCode::kStaleReturnAddress:
      return "STALE_RETURN_ADDRESS";
    case RejectCode::kOutOfRange:
      return "OUT_OF_RANGE";
    case RejectCode::kBadEnum:
      return "BAD_ENUM";
    case RejectCode::kFrameSize:
      return "FRAME_SIZE";
    case RejectCode::kDestinationRemoved:
      return "DESTINATION_REMOVED";
    case RejectCode::kDestinationGone:
      return "DESTINATION_GONE";
    case RejectCode::kShed:
      return "SHED";
    case RejectCode::kRateLimited:
      return "RATE_LIMITED";
    case RejectCode::kInFlightLimit:
      return "IN_FLIGHT_LIMIT";
    case RejectCode::kNotCorrelated:
      return "NOT_CORRELATED";
    case RejectCode::kCorrelationFull:
      return "CORRELATION_FULL";
    case RejectCode::kPluginFault:
      return "PLUGIN_FAULT";
  }
  return "UNKNOWN";
}

// Outcome of a control-plane call; TypeScript turns it into a HyperRouteError of the same name.
enum class StatusCode : int32_t {
  // Success.
  kOk = 0,
  // An option of the configuration has a value that cannot be used.
  kConfig = -1,
  // A route image failed verification.
  kImageCorrupt = -2,
  // Another socket is already bound to the address.
  kAddressInUse = -3,
  // The address cannot be parsed, or this host does not have it.
  kAddressInvalid = -4,
  // The operating system refused for lack of permission.
  kPermission = -5,
  // A system call failed; the detail names it and its errno.
  kSystem = -6,
  // The CPU does not exist, or this process may not run on it.
  kCpuUnavailable = -7,
  // A named bound was reached.
  kLimit = -8,
  // The object has been closed.
  kClosed = -9,
  // The operation did not finish within its time limit.
  kTimeout = -10,
  // The native addon could not be loaded.
  kNativeUnavailable = -11,
  // Nothing of that name or id exists.
  kNotFound = -12,
  // The operation is not allowed in the object's present state.
  kState = -13,
  // The configuration file could not be read, parsed or run.
  kConfigLoad = -14,
  // A message schema is contradictory or cannot be laid out.
  kSchema = -15,
  // A route refers to something that does not exist or does not fit.
  kRoute = -16,
  // Two rules of a route match the same messages.
  kRouteOverlap = -17,
  // The configuration file did not finish within its time limit.
  kConfigTimeout = -18,
  // The bytes are not a message of the schema.
  kMessage = -19,
  // A route needs more table space than a named bound allows.
  kRouteLimit = -20,
  // The change would move more of a pool's keys than its limit allows.
  kMovedLimit = -21,
  // A host name could not be resolved to an address.
  kResolve = -22,
  // No library with the cryptography was found, or it failed its test.
  kCryptoUnavailable = -23,
  // A plug-in cannot be loaded, or cannot run here.
  kPlugin = -30,
  // The file is no recording, or a damaged one.
  kRecording = -31,
};

// The code's name; "UNKNOWN" for a number outside the table.
constexpr const char* name_of(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kConfig:
      return "ERR_CONFIG";
    case StatusCode::kImageCorrupt:
      return "ERR_IMAGE_CORRUPT";
    case StatusCode::kAddressInUse:
      return "ERR_ADDRESS_IN_USE";
    case StatusCode::kAddressInvalid:
      return "ERR_ADDRESS_INVALID";
    case StatusCode::kPermission:
      return "ERR_PERMISSION";
    case StatusCode::kSystem:
      return "ERR_SYSTEM";
    case StatusCode::kCpuUnavailable:
      return "ERR_CPU_UNAVAILABLE";
    case StatusCode::kLimit:
      return "ERR_LIMIT";
    case StatusCode::kClosed:
      return "ERR_CLOSED";
    case StatusCode::kTimeout:
      return "ERR_TIMEOUT";
    case StatusCode::kNativeUnavailable:
      return "ERR_NATIVE_UNAVAILABLE";
    case StatusCode::kNotFound:
      return "ERR_NOT_FOUND";
    case StatusCode::kState:
      return "ERR_STATE";
    case StatusCode::kConfigLoad:
      return "ERR_CONFIG_LOAD";
    case StatusCode::kSchema:
      return "ERR_SCHEMA";
    case StatusCode::kRoute:
      return "ERR_ROUTE";
    case StatusCode::kRouteOverlap:
      return "ERR_ROUTE_OVERLAP";
    case StatusCode::kConfigTimeout:
      return "ERR_CONFIG_TIMEOUT";
    case StatusCode::kMessage:
      return "ERR_MESSAGE";
    case StatusCode::kRouteLimit:
      return "ERR_ROUTE_LIMIT";
    case StatusCode::kMovedLimit:
      return "ERR_MOVED_LIMIT";
    case StatusCode::kResolve:
      return "ERR_RESOLVE";
    case StatusCode::kCryptoUnavailable:
      return "ERR_CRYPTO_UNAVAILABLE";
    case StatusCode::kPlugin:
      return "ERR_PLUGIN";
    case StatusCode::kRecording:
      return "ERR_RECORDING";
  }
  return "UNKNOWN";
}

// Negative results of offer and claim; what is not negative is a position.
enum class OfferCode : int32_t {
  // The queue is full now; offering again later may succeed.
  kBackPressure = -1,
  // Nothing is connected at the other end.
  kNotConnected = -2,
  // The queue or its router has been closed.
  kClosed = -3,
  // The message is larger than the queue's largest record; it never fits.
  kTooLarge = -4,
};

// The code's name; "UNKNOWN" for a number outside the table.
constexpr const char* name_of(OfferCode code) noexcept {
  switch (code) {
    case OfferCode::kBackPressure:
      return "BACK_PRESSURE";
    case OfferCode::kNotConnected:
      return "NOT_CONNECTED";
    case OfferCode::kClosed:
      return "CLOSED";
    case OfferCode::kTooLarge:
      return "TOO_LARGE";
  }
  return "UNKNOWN";
}

// What is wrong with the bytes of a message; 0: nothing.
enum class MessageFault : uint8_t {
  // The message is sound.
  kNone = 0,
  // The frame ends before the message's fixed block does.
  kTruncated = 1,
  // The frame is larger than any message.
  kTooLarge = 2,
  // The template id is that of another schema.
  kWrongTemplate = 3,
  // The version is 0, which no writer has.
  kBadVersion = 4,
  // A flag is set that has no meaning.
  kBadFlags = 5,
  // The block length is not that of the version in the header.
  kBadBlock = 6,
  // The fingerprint is that of another schema with the same template id.
  kWrongSchema = 7,
  // A variable field lies outside the message, out of order, or is absent and there.
  kBadSlot = 8,
  // The entries of a group do not have the size of their version.
  kBadStride = 9,
  // A variable field has more bytes or entries than the schema allows.
  kTooLong = 10,
  // A field holds a value that its type does not have.
  kBadValue = 11,
};

// The code's name; "UNKNOWN" for a number outside the table.
constexpr const char* name_of(MessageFault code) noexcept {
  switch (code) {
    case MessageFault::kNone:
      return "NONE";
    case MessageFault::kTruncated:
      return "TRUNCATED";
    case MessageFault::kTooLarge:
      return "TOO_LARGE";
    case MessageFault::kWrongTemplate:
      return "WRONG_TEMPLATE";
    case MessageFault::kBadVersion:
      return "BAD_VERSION";
    case MessageFault::kBadFlags:
      return "BAD_FLAGS";
    case MessageFault::kBadBlock:
      return "BAD_BLOCK";
    case MessageFault::kWrongSchema:
      return "WRONG_SCHEMA";
    case MessageFault::kBadSlot:
      return "BAD_SLOT";
    case MessageFault::kBadStride:
      return "BAD_STRIDE";
    case MessageFault::kTooLong:
      return "TOO_LONG";
    case MessageFault::kBadValue:
      return "BAD_VALUE";
  }
  return "UNKNOWN";
}

}  // namespace hyperroute
