// Where the fields of the order protocols are: A of the clients, packed, and B of the venues, as C
// lays them out.
//
// Thread: any (plain data).
#pragma once

#include <cstdint>

namespace hyperroute {

inline constexpr uint8_t kNewOrderType = 1;
inline constexpr uint8_t kReplaceType = 2;
inline constexpr uint8_t kReportType = 3;

inline constexpr uint32_t kTypeAt = 4;

// A: size, a type of one byte, seq.
inline constexpr uint32_t kOrderBytesA = 29;
inline constexpr uint32_t kReplaceBytesA = 37;
inline constexpr uint32_t kReportBytesA = 53;
inline constexpr uint32_t kSeqAtA = 5;
inline constexpr uint32_t kPriceAtA = 13;
inline constexpr uint32_t kQuantityAtA = 17;
inline constexpr uint32_t kClientIdAtA = 21;
inline constexpr uint32_t kOriginalAtA = 29;
inline constexpr uint32_t kOrderIdAtA = 37;
inline constexpr uint32_t kExecIdAtA = 45;

// B: size, a type of four bytes, seq.
inline constexpr uint32_t kOrderBytesB = 40;
inline constexpr uint32_t kReplaceBytesB = 40;
inline constexpr uint32_t kReportBytesB = 48;
inline constexpr uint32_t kSeqAtB = 8;
inline constexpr uint32_t kPriceAtB = 16;
inline constexpr uint32_t kQuantityAtB = 20;
inline constexpr uint32_t kOrderIdAtB = 24;
inline constexpr uint32_t kClientIdAtB = 32;  // Of an order.
inline constexpr uint32_t kOriginalAtB = 32;  // Of a replacement.
inline constexpr uint32_t kExecIdAtB = 32;    // Of a report.
inline constexpr uint32_t kReportClientIdAtB = 40;

// Endpoints.
inline constexpr uint16_t kClients = 0;
inline constexpr uint16_t kFirstVenue = 1;
inline constexpr uint32_t kVenueCount = 3;
inline constexpr uint16_t kBlockVenue = 4;

// Orders of so many go to the block venue.
inline constexpr uint32_t kBlockQuantity = 10'000;

}  // namespace hyperroute
