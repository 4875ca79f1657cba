#include <cmath>
#include <map>
#include <string>

#include "jsonata/functions/calendar.hpp"
#include "jsonata/functions/date_picture.hpp"
#include "jsonata/functions/library.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::string_view iso_picture = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]";

/// The picture of a text; those used last are kept by the thread, taken apart.
const DatePicture& date_picture(std::string_view text) {
  constexpr std::size_t kept_max = 64;
  thread_local std::map<std::string, DatePicture, std::less<>> kept;
  if (auto known = kept.find(text); known != kept.end()) return known->second;
  (void)DatePicture::parse(text);  // a failure's value lies in the caller's text
  if (kept.size() >= kept_max) kept.clear();
  auto entry = kept.emplace(text, DatePicture{}).first;
  entry->second = DatePicture::parse(entry->first);  // its parts refer to the text, here the key
  return entry->second;
}

Value format_millis(const Call& c, double millis, Value picture, Value zone) {
  static const DatePicture iso = DatePicture::parse(iso_picture);
  std::optional<std::string_view> zone_text;
  if (zone.is_string()) zone_text = zone.string();
  if (!picture.is_string()) return Value::of(c.arena.copy(iso.format(millis, zone_text)));
  const DatePicture& form = date_picture(picture_of(picture));
  return keeping_failures(c, [&] { return Value::of(c.arena.copy(form.format(millis, zone_text))); });
}

Value now(const Call& c) {
  return format_millis(c, c.evaluator.now_millis(), c[0], c[1]);
}
Value millis(const Call& c) {
  return Value::of(c.evaluator.now_millis());
}

Value from_millis(const Call& c) {
  if (c[0].is_undefined()) return {};
  return format_millis(c, c[0].number, c[1], c[2]);
}

Value to_millis(const Call& c) {
  if (c[0].is_undefined()) return {};
  if (c[1].is_undefined()) {
    auto moment = parse_iso(c[0].string());
    if (!moment) throw Failure{.code = "D3110", .value = c[0]};
    return Value::of(*moment);
  }
  const DatePicture& form = date_picture(picture_of(c[1]));
  auto moment = keeping_failures(c, [&] { return form.read(c[0].string(), c.evaluator.now_millis()); });
  return moment ? Value::of(*moment) : Value{};
}

const BuiltIn functions[] = {
    {"now", now, "<s?s?:s>", 2, {}, {}},
    {"millis", millis, "<:n>", 0, {}, {}},
    {"fromMillis", from_millis, "<n-s?s?:s>", 3, {}, {}},
    {"toMillis", to_millis, "<s-s?:n>", 2, {}, {}},
};

}  // namespace

Family date_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
