#pragma once

#include <string>

#include "component/outside.hpp"
#include "flow_tests/journal.hpp"
#include "io/loop.hpp"

namespace millrace::flow_tests {

/// The world outside of one step in a flow test: every request and mail is written down, and answered by the case's
/// stubs. Loop and journal outlive it.
class Door final : public component::Outside {
 public:
  Door(io::Loop& loop, Journal& journal, std::string step) : loop_(loop), journal_(journal), step_(std::move(step)) {}

  Result<std::unique_ptr<io::Transfers>> transfers() override;
  void write(Stream stream, std::string_view line, const Subject& subject) override;

 private:
  io::Loop& loop_;
  Journal& journal_;
  std::string step_;
};

}  // namespace millrace::flow_tests
