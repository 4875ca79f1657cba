#include "component/base64.hpp"

#include <algorithm>

#include <sodium.h>

namespace millrace::component {

std::string base64_encoded(std::string_view bytes) {
  constexpr int variant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    variant);
  text.pop_back();
  return text;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    plain += c == '-' ? '+' : c == '_' ? '/' : c;
  }
  while (!plain.empty() && plain.back() == '=') plain.pop_back();
  std::string bytes(plain.size() * 3 / 4 + 1, '\0');
  std::size_t length = 0;
  const int failed =
      sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), plain.data(), plain.size(),
                        nullptr, &length, nullptr, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  if (failed != 0) return std::nullopt;
  bytes.resize(length);
  return bytes;
}

}  // namespace millrace::component
