#include "components/email/mail.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "component/base64.hpp"
#include "component/json_text.hpp"
#include "components/template.hpp"
#include "core/id.hpp"

namespace millrace::components {
namespace json_text = component::json_text;
using component::Failure;
using io::MailPart;

namespace {

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// Text, or a list of texts, of addresses.
std::optional<Failure> read_addresses(std::string_view body, std::string_view field, std::vector<Address>& into) {
  const auto value = json_text::member(body, field);
  if (value.empty() || value == "null") return std::nullopt;
  const auto take = [&](std::string_view one) -> std::optional<Failure> {
    const auto text = json_text::unquoted(one);
    if (!text)
      return Failure{fmt::format("email.{}", field), fmt::format("body.{} must be text or a list of it", field)};
    auto addresses = parse_addresses(*text);
    if (!addresses)
      return Failure{fmt::format("email.{}", field), fmt::format("body.{}: {}", field, addresses.error().message)};
    into.insert(into.end(), addresses->begin(), addresses->end());
    return std::nullopt;
  };
  if (value.front() != '[') return take(value);
  std::optional<Failure> failure;
  (void)json_text::elements(value, [&](std::string_view one) {
    if (!failure) failure = take(one);
  });
  return failure;
}

std::optional<std::string> read_text(std::string_view body, std::string_view field) {
  const auto value = json_text::member(body, field);
  if (value.empty() || value == "null") return std::nullopt;
  return json_text::as_text(value);
}

Result<MailPart, Failure> read_attachment(std::string_view item) {
  const auto bad = [](std::string why) { return Failure{"email.attachments", "an attachment " + std::move(why)}; };
  MailPart part;
  part.file_name = read_text(item, "name").value_or("");
  if (part.file_name.empty()) return bad("has no name");
  part.content_type = read_text(item, "type").value_or("application/octet-stream");
  part.content_id = read_text(item, "content_id").value_or("");
  for (const auto& text : {part.file_name, part.content_type, part.content_id}) {
    if (has_line_break(text)) return bad("has a line break in its name, type or content_id");
  }
  if (const auto base64 = read_text(item, "base64")) {
    auto bytes = component::base64_decoded(*base64);
    if (!bytes) return bad("named " + part.file_name + " is not base64");
    part.bytes = std::move(*bytes);
  } else if (auto text = read_text(item, "text")) {
    part.bytes = std::move(*text);
  } else {
    return bad("named " + part.file_name + " has neither base64 nor text");
  }
  return part;
}

std::string with_crlf(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 40);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) result += '\r';
    result += text[i];
  }
  return result;
}

/// RFC 5322 §3.3, in UTC.
std::string date_text(io::WallTime now) {
  constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - day));
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", days[std::chrono::weekday(day).c_encoding()],
                     unsigned(date.day()), months[unsigned(date.month()) - 1], int(date.year()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

std::string list_text(const std::vector<Address>& addresses) {
  std::string text;
  for (const auto& address : addresses) text.append(text.empty() ? "" : ",\r\n ").append(address.header_text());
  return text;
}

}  // namespace

Result<Mail, Failure> Mail::read(std::string_view body) {
  Mail mail;
  std::vector<Address> from;
  for (const auto& [field, into] : {std::pair{"to", &mail.to}, std::pair{"cc", &mail.cc}, std::pair{"bcc", &mail.bcc},
                                    std::pair{"reply_to", &mail.reply_to}, std::pair{"from", &from}}) {
    if (auto failure = read_addresses(body, field, *into)) return *failure;
  }
  if (from.size() > 1) return Failure{"email.from", "body.from must be one address"};
  if (!from.empty()) mail.from = from.front();
  mail.subject = read_text(body, "subject");
  if (mail.subject && has_line_break(*mail.subject)) {
    return Failure{"email.subject", "body.subject must not hold a line break"};
  }
  mail.text = read_text(body, "text");
  mail.html = read_text(body, "html");
  const auto attachments = json_text::member(body, "attachments");
  if (attachments.empty() || attachments == "null") return mail;
  std::optional<Failure> failure;
  const auto walked = json_text::elements(attachments, [&](std::string_view item) {
    if (failure) return;
    auto part = read_attachment(item);
    if (!part) {
      failure = part.error();
    } else {
      mail.attachments.push_back(std::move(*part));
    }
  });
  if (!walked) return Failure{"email.attachments", "body.attachments must be a list"};
  if (failure) return *failure;
  return mail;
}

std::string Mail::message_id_header(std::string_view message_id) const {
  const bool plain = !message_id.empty() && std::all_of(message_id.begin(), message_id.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  });
  const auto id = plain ? std::string(message_id) : derived_id({message_id});
  return "<" + id + "@" + from->mailbox.substr(from->mailbox.rfind('@') + 1) + ">";
}

void Mail::put_into(io::MailCall& call, std::string_view message_id, io::WallTime now) const {
  call.sender = from->mailbox;
  for (const auto* list : {&to, &cc, &bcc}) {
    for (const auto& address : *list) {
      const auto known = std::find(call.recipients.begin(), call.recipients.end(), address.mailbox);
      if (known == call.recipients.end()) call.recipients.push_back(address.mailbox);
    }
  }
  call.headers.push_back("Date: " + date_text(now));
  call.headers.push_back("Message-ID: " + message_id_header(message_id));
  call.headers.push_back("From: " + from->header_text());
  if (!to.empty()) call.headers.push_back("To: " + list_text(to));
  if (!cc.empty()) call.headers.push_back("Cc: " + list_text(cc));
  if (!reply_to.empty()) call.headers.push_back("Reply-To: " + list_text(reply_to));
  if (subject) call.headers.push_back("Subject: " + header_text(*subject));
  if (text || !html) call.bodies.push_back({"text/plain; charset=utf-8", with_crlf(text.value_or(""))});
  if (html) call.bodies.push_back({"text/html; charset=utf-8", with_crlf(*html)});
  call.attachments = attachments;
}

}  // namespace millrace::components
