#include "api/operation.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace millrace::api {
namespace {

constexpr std::array<std::pair<Scope, std::string_view>, 5> scopes = {{{Scope::flows_read, "flows:read"},
                                                                       {Scope::flows_write, "flows:write"},
                                                                       {Scope::operate, "operate"},
                                                                       {Scope::credentials, "credentials"},
                                                                       {Scope::admin, "admin"}}};
constexpr std::int64_t limit_usual = 50;
constexpr std::int64_t limit_max = 200;

}  // namespace

std::string_view to_string(Scope scope) {
  return std::ranges::find(scopes, scope, &std::pair<Scope, std::string_view>::first)->second;
}

std::optional<Scope> scope_of(std::string_view text) {
  const auto found = std::ranges::find(scopes, text, &std::pair<Scope, std::string_view>::second);
  return found == scopes.end() ? std::nullopt : std::optional(found->first);
}

bool Caller::may(Scope scope) const {
  return std::ranges::any_of(scopes, [&](Scope has) { return has == scope || has == Scope::admin; });
}

std::string Call::asked(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

Result<std::int64_t> Call::limit() const {
  const auto text = asked("limit");
  if (text.empty()) return limit_usual;
  std::int64_t limit = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, limit);
  if (failed == std::errc() && stopped == end && limit >= 1 && limit <= limit_max) return limit;
  return Error{Error::Kind::invalid, "limit must be a number from 1 to 200"};
}

}  // namespace millrace::api
