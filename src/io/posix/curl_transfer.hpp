#pragma once

#include <functional>
#include <memory>
#include <string>

#include "io/posix/curl_library.hpp"
#include "io/transfers.hpp"

namespace millrace::io::posix {

/// One request or mail on one easy handle. Order of calls: set_up, (libcurl's callbacks), outcome, release.
class CurlTransfer {
 public:
  virtual ~CurlTransfer() = default;

  /// Sets every option on a handle that is fresh or reset. What the options point to lives in this object.
  virtual void set_up(const CurlLibrary& curl, CURL* easy) = 0;
  /// What to tell the caller, once libcurl is done with it.
  virtual std::function<void()> outcome(const CurlLibrary& curl, CURL* easy, CURLcode code) = 0;
  /// Frees what libcurl made for this transfer; the handle has been reset or cleaned up before.
  virtual void release(const CurlLibrary& curl) = 0;
};

std::unique_ptr<CurlTransfer> make_http_transfer(HttpCall call, Transfers::HttpDone done);
std::unique_ptr<CurlTransfer> make_mail_transfer(MailCall call, Transfers::MailDone done);

/// Options that both kinds have: time limit, TLS, no signals.
void set_common(const CurlLibrary& curl, CURL* easy, std::chrono::milliseconds timeout, const TlsSettings& tls,
                char* error_text);
/// The fault a result code stands for; `error_text` is libcurl's own account.
TransferFault fault_of(const CurlLibrary& curl, CURLcode code, const char* error_text);

}  // namespace millrace::io::posix
