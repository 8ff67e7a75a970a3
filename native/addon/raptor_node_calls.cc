// The calls that are made for every message. Thread: JavaScript. Data path.
#include "addon/raptor_node_calls.h"

#include <algorithm>
#include <span>

#include "addon/raptor_node.h"

namespace hyperroute {
namespace {

constexpr size_t kArgumentsMax = 3;

struct Call {
  RaptorNodeObject* node = nullptr;
  napi_value arguments[kArgumentsMax];
};

// Arguments that were not given are undefined.
Call call_of(napi_env env, napi_callback_info info) {
  Call call;
  size_t count = kArgumentsMax;
  void* table = nullptr;
  uint32_t number = 0;
  if (napi_get_cb_info(env, info, &count, call.arguments, nullptr, &table) == napi_ok &&
      napi_get_value_uint32(env, call.arguments[0], &number) == napi_ok) {
    call.node = static_cast<RaptorNodeTable*>(table)->at(number);
  }
  return call;
}

// False: it is no Uint8Array, or what it was over is gone.
bool bytes_of(napi_env env, napi_value value, std::span<const uint8_t>& bytes) {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  // Also of one over a SharedArrayBuffer.
  if (napi_get_typedarray_info(env, value, &type, &length, &data, &buffer, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    return false;
  }
  if (length == 0) {
    bool is_detached = false;
    data = nullptr;
    if (napi_is_detached_arraybuffer(env, buffer, &is_detached) != napi_ok || is_detached) {
      return false;
    }
  }
  bytes = {static_cast<const uint8_t*>(data), length};
  return true;
}

// Undefined: the message is no bytes.
napi_value offer(napi_env env, napi_callback_info info) {
  const Call call = call_of(env, info);
  uint32_t publication = 0;
  std::span<const uint8_t> message;
  if (call.node == nullptr ||
      napi_get_value_uint32(env, call.arguments[1], &publication) != napi_ok ||
      !bytes_of(env, call.arguments[2], message)) {
    return nullptr;
  }
  napi_value position = nullptr;
  const auto number = static_cast<double>(call.node->offer(publication, message));
  return napi_create_double(env, number, &position) == napi_ok ? position : nullptr;
}

napi_value poll(napi_env env, napi_callback_info info) {
  const Call call = call_of(env, info);
  if (call.node != nullptr) call.node->poll();
  return nullptr;
}

napi_value flush(napi_env env, napi_callback_info info) {
  const Call call = call_of(env, info);
  if (call.node != nullptr) call.node->flush();
  return nullptr;
}

void release_table(napi_env, void* table, void*) {
  static_cast<RaptorNodeTable*>(table)->release();
}

void define_call(napi_env env, napi_value node_class, const char* name, napi_callback call,
                 RaptorNodeTable* table) {
  napi_value function = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, call, table, &function) != napi_ok ||
      napi_add_finalizer(env, function, table, &release_table, nullptr, nullptr) != napi_ok) {
    return;
  }
  table->retain();
  (void)napi_set_named_property(env, node_class, name, function);
}

}  // namespace

uint32_t RaptorNodeTable::add(RaptorNodeObject* node) {
  auto place = std::ranges::find(nodes_, nullptr);
  if (place == nodes_.end()) place = nodes_.insert(place, nullptr);
  *place = node;
  return static_cast<uint32_t>(place - nodes_.begin());
}

void define_raptor_node_calls(napi_env env, napi_value node_class, RaptorNodeTable* table) {
  define_call(env, node_class, "offer", &offer, table);
  define_call(env, node_class, "poll", &poll, table);
  define_call(env, node_class, "flush", &flush, table);
  // Kept for ever where the class cannot be made its owner.
  (void)napi_add_finalizer(env, node_class, table, &release_table, nullptr, nullptr);
}

}  // namespace hyperroute
