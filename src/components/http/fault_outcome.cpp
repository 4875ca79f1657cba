#include "components/http/fault_outcome.hpp"

#include <fmt/format.h>

namespace millrace::components {
namespace {

struct Meaning {
  std::string_view why;
  bool may_pass;
};

Meaning meaning(io::TransferFault::Kind kind) {
  using Kind = io::TransferFault::Kind;
  switch (kind) {
    case Kind::invalid:
      return {"invalid", false};
    case Kind::unavailable:
      return {"unavailable", true};
    case Kind::timeout:
      return {"timeout", true};
    case Kind::untrusted:
      return {"untrusted", true};
    case Kind::too_large:
      return {"too_large", false};
    case Kind::redirects:
      return {"redirects", false};
    case Kind::rejected:
      return {"rejected", false};
    case Kind::busy:
      return {"busy", true};
    case Kind::login:
      return {"login", true};
  }
  return {"failed", true};
}

}  // namespace

component::Outcome outcome_of_fault(const io::TransferFault& fault, std::string_view family, std::string_view target) {
  const auto [why, may_pass] = meaning(fault.kind);
  component::Failure failure{fmt::format("{}.{}", family, why), fmt::format("{}: {}", target, fault.message)};
  if (fault.reply_code != 0) failure.details = fmt::format(R"({{"replyCode":{}}})", fault.reply_code);
  return may_pass ? component::Outcome::later(std::move(failure)) : component::Outcome::dead(std::move(failure));
}

}  // namespace millrace::components
