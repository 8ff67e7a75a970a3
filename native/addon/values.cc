// Reading options out of JavaScript objects. Thread: JavaScript.
#include "addon/values.h"

#include <cmath>

namespace hyperroute {

// An environment that ends while native code runs takes no exception, and has nobody to catch it:
// the calls fail then, where those of the C++ wrapper would end the process.
void throw_status(Napi::Env env, const Status& status) {
  napi_value message = nullptr;
  napi_value code = nullptr;
  napi_value error = nullptr;
  if (napi_create_string_utf8(env, status.context, NAPI_AUTO_LENGTH, &message) != napi_ok ||
      napi_create_string_utf8(env, name_of(status.code), NAPI_AUTO_LENGTH, &code) != napi_ok ||
      napi_create_error(env, code, message, &error) != napi_ok) {
    return;
  }
  napi_value system_errno = nullptr;
  if (status.system_errno != 0 &&
      (napi_create_int32(env, status.system_errno, &system_errno) != napi_ok ||
       napi_set_named_property(env, error, "errno", system_errno) != napi_ok)) {
    return;
  }
  (void)napi_throw(env, error);
}

OptionReader::OptionReader(Napi::Env env, const Napi::Value& value) : env_(env) {
  if (value.IsObject()) {
    object_ = value.As<Napi::Object>();
  } else {
    object_ = Napi::Object::New(env);
    status_ = Status::error(StatusCode::kConfig, "expected an object of options");
  }
}

void OptionReader::fail(const char* name, const char* expected) {
  if (!status_.ok()) return;
  status_ = Status::error(StatusCode::kConfig, "option %s: expected %s", name, expected);
}

bool OptionReader::has(const char* name) {
  const Napi::Value value = object_.Get(name);
  return !value.IsUndefined() && !value.IsNull();
}

double OptionReader::number(const char* name, double minimum, double maximum) {
  const Napi::Value value = object_.Get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (number >= minimum && number <= maximum) return number;
  fail(name, "a number in range");
  return minimum;
}

uint32_t OptionReader::u32(const char* name, uint32_t maximum) {
  return static_cast<uint32_t>(number(name, 0, maximum));
}

bool OptionReader::boolean(const char* name) {
  const Napi::Value value = object_.Get(name);
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  fail(name, "true or false");
  return false;
}

std::string OptionReader::string(const char* name) {
  const Napi::Value value = object_.Get(name);
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  fail(name, "a string");
  return {};
}

std::vector<std::string> OptionReader::strings(const char* name) {
  std::vector<std::string> list;
  const Napi::Value value = object_.Get(name);
  if (!value.IsArray()) {
    fail(name, "an array of strings");
    return list;
  }
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t index = 0; index < array.Length(); ++index) {
    const Napi::Value item = array.Get(index);
    if (item.IsString()) {
      list.push_back(item.As<Napi::String>().Utf8Value());
    } else {
      fail(name, "an array of strings");
    }
  }
  return list;
}

Napi::Object OptionReader::object(const char* name) {
  const Napi::Value value = object_.Get(name);
  if (value.IsObject()) return value.As<Napi::Object>();
  fail(name, "an object");
  return Napi::Object::New(env_);
}

OptionReader::Bytes OptionReader::bytes(const char* name) {
  const Bytes found = typed_array_bytes(env_, object_.Get(name));
  if (found.data == nullptr) fail(name, "a typed array");
  return found;
}

OptionReader::Bytes typed_array_bytes(Napi::Env env, const Napi::Value& value) {
  bool is_typed_array = false;
  napi_is_typedarray(env, value, &is_typed_array);
  if (!is_typed_array) return {};
  void* data = nullptr;
  size_t length = 0;
  napi_typedarray_type type = napi_uint8_array;
  // Works for a SharedArrayBuffer too, unlike the call for array buffers.
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    return {};
  }
  return {static_cast<uint8_t*>(data), length};
}

}  // namespace hyperroute
