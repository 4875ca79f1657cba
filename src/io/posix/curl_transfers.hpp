#pragma once

#include <memory>

#include "core/result.hpp"
#include "io/posix/loop.hpp"
#include "io/transfers.hpp"

namespace millrace::io::posix {

/// Transfers over libcurl on the loop; connections are kept and used again.
class CurlTransfers final : public Transfers {
 public:
  /// Error::unsupported if libcurl is not there.
  static Result<std::unique_ptr<Transfers>> make(AsioLoop& loop);
  ~CurlTransfers() override;

  void http(HttpCall call, HttpDone done) override;
  void mail(MailCall call, MailDone done) override;

 private:
  class State;
  explicit CurlTransfers(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace::io::posix
