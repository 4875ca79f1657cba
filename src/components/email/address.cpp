#include "components/email/address.hpp"

#include <algorithm>

#include "component/base64.hpp"
#include "component/json_text.hpp"
#include "component/utf8.hpp"

namespace millrace::components {
namespace {

using component::json_text::trimmed;

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

Error bad(std::string_view text, std::string_view why) {
  return {Error::Kind::invalid, "\"" + std::string(text) + "\" is no mail address: " + std::string(why)};
}

/// Cuts at commas outside of quotes and angle brackets.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  bool angle = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '<' || c == '>')) {
      angle = c == '<';
    } else if (c == ',' && !quoted && !angle) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::string unquoted_name(std::string_view name) {
  name = trimmed(name);
  if (name.size() < 2 || name.front() != '"' || name.back() != '"') return std::string(name);
  std::string plain;
  for (std::size_t i = 1; i + 1 < name.size(); ++i) {
    if (name[i] == '\\' && i + 2 < name.size()) ++i;
    plain += name[i];
  }
  return plain;
}

Result<Address> parse_one(std::string_view text) {
  Address address;
  std::string_view mailbox = text;
  const auto open = text.rfind('<');
  if (open != std::string_view::npos) {
    if (text.back() != '>') return bad(text, "the > is missing");
    mailbox = trimmed(text.substr(open + 1, text.size() - open - 2));
    address.name = unquoted_name(text.substr(0, open));
  }
  const auto at = mailbox.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == mailbox.size())
    return bad(text, "it must have the form a@b");
  const auto control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; };
  if (std::any_of(mailbox.begin(), mailbox.end(), control) ||
      mailbox.find_first_of(" <>,;:\\\"()[]") != std::string_view::npos) {
    return bad(text, "it holds a special character");
  }
  if (!component::utf8::is_valid(mailbox)) return bad(text, "it is not UTF-8");
  address.mailbox = mailbox;
  return address;
}

}  // namespace

Result<std::vector<Address>> parse_addresses(std::string_view text) {
  if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
    return Error{Error::Kind::invalid, "a mail address must not hold a line break"};
  }
  std::vector<Address> addresses;
  for (const auto part : split(text)) {
    if (trimmed(part).empty()) continue;
    auto address = parse_one(trimmed(part));
    if (!address) return address.error();
    addresses.push_back(std::move(*address));
  }
  return addresses;
}

std::string header_text(std::string_view utf8) {
  constexpr std::size_t plain_max = 900;
  if (is_printable_ascii(utf8) && utf8.size() <= plain_max && utf8.find("=?") == std::string_view::npos) {
    return std::string(utf8);
  }
  // An encoded word has at most 75 characters: 12 around it, so 45 bytes of text in base64.
  constexpr std::size_t word_max = 45;
  std::string encoded;
  while (!utf8.empty()) {
    std::size_t length = 0;
    while (length < utf8.size()) {
      const auto next = std::max<std::size_t>(1, component::utf8::sequence_length(utf8.substr(length)));
      if (length + next > word_max) break;
      length += next;
    }
    if (!encoded.empty()) encoded += "\r\n ";
    encoded += "=?UTF-8?B?" + component::base64_encoded(utf8.substr(0, length)) + "?=";
    utf8.remove_prefix(length);
  }
  return encoded;
}

std::string Address::header_text() const {
  if (name.empty()) return mailbox;
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == ' ' || c == '-' || c == '_';
  });
  if (plain) return name + " <" + mailbox + ">";
  if (!is_printable_ascii(name)) return components::header_text(name) + " <" + mailbox + ">";
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\" <" + mailbox + ">";
}

}  // namespace millrace::components
