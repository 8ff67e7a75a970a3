// The JavaScript class `MessageLayout`. Thread: the JavaScript thread; not on the data path.
#include "addon/message_layout.h"

#include <cstring>
#include <string>
#include <vector>

#include "addon/values.h"
#include "codec/rewrite.h"
#include "codec/value_check.h"
#include "include/hyperroute/message.h"

namespace hyperroute {
namespace {

Napi::Value fault_value(Napi::Env env, MessageFault fault) {
  return Napi::Number::New(env, static_cast<double>(fault));
}

// A copy of exactly the message's size, so that a sanitizer sees a read behind it. Throws a
// TypeError and gives false for anything but a Uint8Array of a native layout's message.
bool take_bytes(const Napi::CallbackInfo& info, const MessageLayout& layout,
                std::vector<uint8_t>& bytes) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray()) {
    Napi::TypeError::New(env, "expected a Uint8Array").ThrowAsJavaScriptException();
    return false;
  }
  if (layout.kind() != LayoutKind::kNative) {
    Napi::TypeError::New(env, "expected a native layout").ThrowAsJavaScriptException();
    return false;
  }
  const auto given = typed_array_bytes(env, info[0]);
  bytes.assign(given.data, given.data + given.bytes);
  return true;
}

MessageFault check(const MessageLayout& layout, const std::vector<uint8_t>& bytes,
                   Message& message) {
  const MessageFault fault = bind(layout, bytes.data(), bytes.size(), message);
  return fault == MessageFault::kNone ? check_values(layout, message) : fault;
}

void add_fields(Napi::Array& into, const MessageLayout& layout, uint32_t block_index,
                const std::string& prefix) {
  const Napi::Env env = into.Env();
  const LayoutBlock& block = layout.block(block_index);
  for (uint32_t count = 0; count < block.field_count; ++count) {
    const LayoutField& field = layout.fields(block)[count];
    if ((field.flags & kFieldRemoved) != 0) break;
    const std::string path = prefix + std::string(layout.text(field.name, field.name_bytes));
    Napi::Object object = Napi::Object::New(env);
    object.Set("path", path);
    object.Set("offset", Napi::Number::New(env, field.offset));
    object.Set("bytes", Napi::Number::New(env, field.bytes));
    object.Set("since", Napi::Number::New(env, field.since));
    into.Set(into.Length(), object);
    if (field.type != FieldType::kGroup) continue;
    add_fields(into, layout, layout.slots(block)[field.slot].block, path + ".");
  }
}

}  // namespace

Napi::Function MessageLayoutObject::define(Napi::Env env) {
  return DefineClass(env, "MessageLayout",
                     {InstanceMethod<&MessageLayoutObject::bind_bytes>("bind"),
                      InstanceMethod<&MessageLayoutObject::check_bytes>("checkValues"),
                      InstanceMethod<&MessageLayoutObject::rewrite_bytes>("rewrite"),
                      InstanceMethod<&MessageLayoutObject::fields>("fields")});
}

MessageLayoutObject::MessageLayoutObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<MessageLayoutObject>(info) {
  const auto bytes = typed_array_bytes(info.Env(), info[0]);
  const Status status = LayoutImage::load({bytes.data, bytes.bytes}, image_);
  if (!status.ok()) throw_status(info.Env(), status);
}

Napi::Value MessageLayoutObject::bind_bytes(const Napi::CallbackInfo& info) {
  std::vector<uint8_t> bytes;
  if (!take_bytes(info, image_.layout(), bytes)) return info.Env().Undefined();
  Message message;
  return fault_value(info.Env(), bind(image_.layout(), bytes.data(), bytes.size(), message));
}

Napi::Value MessageLayoutObject::check_bytes(const Napi::CallbackInfo& info) {
  std::vector<uint8_t> bytes;
  if (!take_bytes(info, image_.layout(), bytes)) return info.Env().Undefined();
  Message message;
  return fault_value(info.Env(), check(image_.layout(), bytes, message));
}

Napi::Value MessageLayoutObject::rewrite_bytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const MessageLayout& layout = image_.layout();
  std::vector<uint8_t> bytes;
  if (!take_bytes(info, layout, bytes)) return env.Undefined();
  Message message;
  const MessageFault fault = check(layout, bytes, message);
  if (fault != MessageFault::kNone) return fault_value(env, fault);
  WriteFault write_fault = WriteFault::kNoRoom;
  std::vector<uint8_t> memory;
  uint32_t written_bytes = 0;
  // An older message grows when it is written in the newest version.
  for (size_t room = 4096; write_fault == WriteFault::kNoRoom && room <= kNativeMessageBytesMax;
       room *= 4) {
    // Filled with a pattern: a byte that the writer leaves out must show in a test.
    memory.assign(room, 0xA5);
    written_bytes = rewrite(layout, message, memory, write_fault);
  }
  if (written_bytes == 0) return fault_value(env, MessageFault::kTooLarge);
  Napi::Uint8Array result = Napi::Uint8Array::New(env, written_bytes);
  std::memcpy(result.Data(), memory.data(), written_bytes);
  return result;
}

Napi::Value MessageLayoutObject::fields(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  add_fields(list, image_.layout(), 0, "");
  return list;
}

}  // namespace hyperroute
