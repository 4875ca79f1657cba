#include "flow_tests/stubs.hpp"

#include "flow_tests/compare.hpp"

namespace millrace::flow_tests {
namespace {

std::string_view text(const boost::json::object& request, std::string_view part) {
  const auto* value = request.if_contains(part);
  return value == nullptr || !value->is_string() ? std::string_view() : std::string_view(value->get_string());
}

bool fits_url(std::string_view pattern, std::string_view url) {
  if (pattern.find('?') == std::string_view::npos) url = url.substr(0, url.find('?'));
  return fits_pattern(pattern, url);
}

}  // namespace

Stubs::Stubs(const std::vector<Stub>& stubs) {
  for (const auto& stub : stubs) places_.push_back({&stub});
}

bool Stubs::fits(const Stub& stub, const std::string& step, const boost::json::object& request) {
  if (!stub.step.empty() && stub.step != step) return false;
  if (stub.kind == Stub::Kind::http) {
    if (stub.method != "*" && stub.method != text(request, "method")) return false;
    if (!fits_url(stub.url, text(request, "url"))) return false;
  } else if (!fits_url(stub.url, text(request, "smtp"))) {
    return false;
  }
  return mismatches(stub.wanted, request).empty();
}

const StubAnswer* Stubs::next(Place& place, milliseconds now) {
  const auto& answers = place.stub->answers;
  while (place.answer < answers.size()) {
    const auto& answer = answers[place.answer];
    const bool last = place.answer + 1 == answers.size();
    const bool is_over = answer.until && now >= *answer.until;
    const bool endless = !answer.times && (answer.until || last);
    if (!is_over && (endless || place.given < answer.times.value_or(1))) {
      ++place.given;
      return &answer;
    }
    ++place.answer;
    place.given = 0;
  }
  return nullptr;
}

const StubAnswer* Stubs::answer(Stub::Kind kind, const std::string& step, const boost::json::object& request,
                                milliseconds now) {
  for (auto& place : places_) {
    if (place.stub->kind != kind || !fits(*place.stub, step, request)) continue;
    if (const auto* answer = next(place, now)) return answer;
  }
  return nullptr;
}

}  // namespace millrace::flow_tests
