// Who is at the other end of a Unix socket. Thread: JavaScript.
#include "addon/peer_uid.h"

#include <sys/socket.h>

namespace hyperroute {

Napi::Value peer_uid(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : -1;
  int domain = 0;
  socklen_t domain_bytes = sizeof domain;
  ucred peer{};
  socklen_t peer_bytes = sizeof peer;
  // Other sockets answer too, with an id that says nothing.
  if (fd < 0 || ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_bytes) != 0 ||
      domain != AF_UNIX || ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) != 0) {
    return Napi::Number::New(env, -1);
  }
  return Napi::Number::New(env, static_cast<double>(peer.uid));
}

}  // namespace hyperroute
