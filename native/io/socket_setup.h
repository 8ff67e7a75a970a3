// What opening a udp and a tcp socket have in common: checks, buffers, binding, readable errors.
// Thread: control thread, or the worker when it opens a connection. Never per message.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "io/address.h"

namespace hyperroute {

// kConfig unless the address may be bound: anything but loopback needs `exposed`.
Status check_bind_address(const SocketAddress& address, bool exposed);

// kConfig unless packets can be sent there from a socket of this family.
Status check_remote_address(const SocketAddress& address, int local_family);

// Binds; kAddressInUse, kAddressInvalid or kPermission name the address.
Status bind_socket(int fd, const SocketAddress& address);

// To be called before binding: other sockets of the same user that do the same may have the port,
// too. Each datagram goes to one of them, by a hash of its two addresses.
Status share_port(int fd);

// "::" then means every IPv6 address and leaves the IPv4 ones alone.
Status set_ipv6_only(int fd);

// Asks for a buffer of this size (0: leaves it alone), beyond the system's limit where the process
// may, and returns what the kernel granted, in the same unit.
Result<uint32_t> set_receive_buffer(int fd, uint32_t buffer_bytes);
Result<uint32_t> set_send_buffer(int fd, uint32_t buffer_bytes);

}  // namespace hyperroute
