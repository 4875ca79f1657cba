#define CURL_DISABLE_TYPECHECK
#include <array>
#include <string_view>

#include "io/posix/curl_transfer.hpp"
#include "io/posix/text_mail.hpp"

namespace millrace::io::posix {
namespace {

class MailTransfer final : public CurlTransfer {
 public:
  MailTransfer(MailCall call, Transfers::MailDone done) : call_(std::move(call)), done_(std::move(done)) {}

  void set_up(const CurlLibrary& curl, CURL* easy) override {
    const auto set = curl.curl_easy_setopt;
    set_common(curl, easy, call_.timeout, call_.tls, error_text_.data());
    set(easy, CURLOPT_URL, call_.url.c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    if (call_.starttls) {
      set(easy, CURLOPT_USE_SSL, static_cast<long>(call_.starttls_required ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    }
    if (!call_.username.empty()) {
      set(easy, CURLOPT_USERNAME, call_.username.c_str());
      if (call_.token.empty()) set(easy, CURLOPT_PASSWORD, call_.password.c_str());
    }
    if (!call_.token.empty()) set(easy, CURLOPT_XOAUTH2_BEARER, call_.token.c_str());
    set(easy, CURLOPT_HEADERFUNCTION, &MailTransfer::on_reply);
    set(easy, CURLOPT_HEADERDATA, this);
    if (call_.only_log_in) {
      set(easy, CURLOPT_CUSTOMREQUEST, "NOOP");
      set(easy, CURLOPT_NOBODY, 1L);
      return;
    }
    set(easy, CURLOPT_MAIL_FROM, call_.sender.c_str());
    for (const auto& recipient : call_.recipients) {
      recipients_ = curl.curl_slist_append(recipients_, recipient.c_str());
    }
    set(easy, CURLOPT_MAIL_RCPT, recipients_);
    if (call_.bodies.size() == 1 && call_.attachments.empty()) {
      upload_ = text_mail(call_.headers, call_.bodies.front());
      set(easy, CURLOPT_UPLOAD, 1L);
      set(easy, CURLOPT_READFUNCTION, &MailTransfer::on_read);
      set(easy, CURLOPT_READDATA, this);
    } else {
      for (const auto& line : call_.headers) headers_ = curl.curl_slist_append(headers_, line.c_str());
      set(easy, CURLOPT_HTTPHEADER, headers_);
      mime_ = build(curl, easy);
      set(easy, CURLOPT_MIMEPOST, mime_);
    }
  }

  std::function<void()> outcome(const CurlLibrary& curl, CURL* easy, CURLcode code) override {
    if (code == CURLE_OK) {
      return [done = std::move(done_), answer = MailAnswer{last_reply_}]() mutable { done(std::move(answer)); };
    }
    auto fault = fault_of(curl, code, error_text_.data());
    long reply = 0;
    curl.curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply);
    const bool answered = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_LOGIN_DENIED ||
                          code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_REMOTE_ACCESS_DENIED ||
                          code == CURLE_UPLOAD_FAILED || code == CURLE_QUOTE_ERROR;
    if (answered && reply >= 400) {
      fault.reply_code = static_cast<int>(reply);
      fault.message = "the server answered: " + last_reply_;
      if (reply < 500) {
        fault.kind = TransferFault::Kind::busy;
      } else if (code != CURLE_LOGIN_DENIED) {
        fault.kind = TransferFault::Kind::rejected;
      }
    }
    return [done = std::move(done_), fault = std::move(fault)] { done(fault); };
  }

  void release(const CurlLibrary& curl) override {
    curl.curl_mime_free(mime_);
    curl.curl_slist_free_all(headers_);
    curl.curl_slist_free_all(recipients_);
  }

 private:
  curl_mime* build(const CurlLibrary& curl, CURL* easy) {
    curl_mime* whole = curl.curl_mime_init(easy);
    if (call_.bodies.size() == 1) {
      fill(curl, curl.curl_mime_addpart(whole), call_.bodies.front());
    } else {
      curl_mime* alternatives = curl.curl_mime_init(easy);
      for (const auto& body : call_.bodies) fill(curl, curl.curl_mime_addpart(alternatives), body);
      curl_mimepart* part = curl.curl_mime_addpart(whole);
      curl.curl_mime_subparts(part, alternatives);
      curl.curl_mime_type(part, "multipart/alternative");
      curl_slist* inlined = curl.curl_slist_append(nullptr, "Content-Disposition: inline");
      curl.curl_mime_headers(part, inlined, 1);
    }
    for (const auto& file : call_.attachments) fill(curl, curl.curl_mime_addpart(whole), file);
    return whole;
  }

  static void fill(const CurlLibrary& curl, curl_mimepart* part, const MailPart& from) {
    curl.curl_mime_data(part, from.bytes.data(), from.bytes.size());
    curl.curl_mime_type(part, from.content_type.c_str());
    if (from.file_name.empty()) {
      curl.curl_mime_encoder(part, "quoted-printable");
      return;
    }
    curl.curl_mime_encoder(part, "base64");
    curl_slist* headers = curl.curl_slist_append(nullptr, disposition(from.file_name).c_str());
    if (!from.content_id.empty()) {
      headers = curl.curl_slist_append(headers, ("Content-ID: <" + from.content_id + ">").c_str());
    }
    curl.curl_mime_headers(part, headers, 1);
  }

  /// The file name as RFC 2231 has it where it is not plain ASCII.
  static std::string disposition(const std::string& file_name) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string encoded;
    bool plain = true;
    for (const char c : file_name) {
      const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                        c == '-' || c == '_' || c == ' ';
      plain = plain && safe;
      if (safe && c != ' ') {
        encoded += c;
      } else {
        const auto byte = static_cast<unsigned char>(c);
        encoded.append("%").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
      }
    }
    if (plain) return "Content-Disposition: attachment; filename=\"" + file_name + "\"";
    return "Content-Disposition: attachment; filename*=UTF-8''" + encoded;
  }

  static std::size_t on_read(char* to, std::size_t, std::size_t room, void* user) {
    auto* self = static_cast<MailTransfer*>(user);
    const auto count = self->upload_.copy(to, room, self->uploaded_);
    self->uploaded_ += count;
    return count;
  }

  static std::size_t on_reply(char* data, std::size_t, std::size_t size, void* user) {
    std::string_view line(data, size);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    auto* self = static_cast<MailTransfer*>(user);
    // The answer to QUIT is not what the mail came to.
    if (!line.empty() && line.substr(0, 3) != "221") self->last_reply_ = line;
    return size;
  }

  MailCall call_;
  Transfers::MailDone done_;
  std::string last_reply_;
  std::string upload_;  ///< a mail of one part, whole; otherwise it is in mime_
  std::size_t uploaded_ = 0;
  curl_slist* headers_ = nullptr;
  curl_slist* recipients_ = nullptr;
  curl_mime* mime_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
};

}  // namespace

std::unique_ptr<CurlTransfer> make_mail_transfer(MailCall call, Transfers::MailDone done) {
  return std::make_unique<MailTransfer>(std::move(call), std::move(done));
}

}  // namespace millrace::io::posix
