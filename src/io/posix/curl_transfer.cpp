#define CURL_DISABLE_TYPECHECK
#include "io/posix/curl_transfer.hpp"

namespace millrace::io::posix {

void set_common(const CurlLibrary& curl, CURL* easy, std::chrono::milliseconds timeout, const TlsSettings& tls,
                char* error_text) {
  const auto set = curl.curl_easy_setopt;
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  set(easy, CURLOPT_ERRORBUFFER, error_text);
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  if (!tls.verify) {
    set(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!tls.ca_file.empty()) set(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.certificate_file.empty()) set(easy, CURLOPT_SSLCERT, tls.certificate_file.c_str());
  if (!tls.key_file.empty()) set(easy, CURLOPT_SSLKEY, tls.key_file.c_str());
}

TransferFault fault_of(const CurlLibrary& curl, CURLcode code, const char* error_text) {
  using Kind = TransferFault::Kind;
  TransferFault fault;
  fault.message = error_text[0] != '\0' ? error_text : curl.curl_easy_strerror(code);
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_BAD_CONTENT_ENCODING:
      fault.kind = Kind::invalid;
      break;
    case CURLE_OPERATION_TIMEDOUT:
      fault.kind = Kind::timeout;
      break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      fault.kind = Kind::untrusted;
      break;
    case CURLE_TOO_MANY_REDIRECTS:
      fault.kind = Kind::redirects;
      break;
    case CURLE_LOGIN_DENIED:
      fault.kind = Kind::login;
      break;
    default:
      fault.kind = Kind::unavailable;
      break;
  }
  return fault;
}

}  // namespace millrace::io::posix
